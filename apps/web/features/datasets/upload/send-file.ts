import { UploadAnswer, type UploadInspection } from "@anneal/contracts";

export interface Sent {
  bytes: number;
  total: number;
}

// Sends a file as it lies on the disk. XMLHttpRequest, because fetch tells nothing about how much has gone out.
// Rejects with what the server said (a body with `problem`), or an Error when no answer came.
export function sendFile(file: File, onSent: (sent: Sent) => void, signal: AbortSignal): Promise<UploadInspection> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const settle = (done: () => void) => {
      signal.removeEventListener("abort", abort);
      done();
    };
    request.open("PUT", `/api/uploads?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (event) =>
      onSent({ bytes: event.loaded, total: event.lengthComputable ? event.total : file.size });
    request.onload = () =>
      settle(() => {
        try {
          const body: unknown = JSON.parse(request.responseText);
          if (request.status >= 200 && request.status < 300) resolve(UploadAnswer.parse(body));
          else reject(body);
        } catch (error) {
          reject(
            new Error(`the server answered ${request.status} with something that is not an inspection`, {
              cause: error,
            }),
          );
        }
      });
    request.onerror = () => settle(() => reject(new Error("failed to fetch")));
    request.onabort = () => settle(() => reject(new DOMException("cancelled", "AbortError")));
    if (signal.aborted) return reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", abort);
    request.send(file);
  });
}
