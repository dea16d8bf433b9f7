import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { say } from "@anneal/contracts";
import { httpError, isOllamaError, OllamaError, unreachable } from "./error.ts";
import { fileError, type HashedFile } from "./hash.ts";
import { aborted, errorText, type TransportOptions } from "./transport.ts";

export interface UploadOptions {
  idleTimeoutSeconds: number;
  onBytes?: (sent: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

export type UploadOutcome = "created" | "present";

interface Early {
  status: number;
  body: Buffer;
}

// How long a server may leave the "may I send?" of the headers unanswered before the body is sent all the same.
const continueMs = 1000;

// Streams a file to POST /api/blobs/<digest>. A server that has the blob answers 200 before reading the body and closes
// the connection; an answer could be lost in the broken pipe, so the body waits for the server to ask for it.
export async function uploadBlob(
  transport: TransportOptions,
  file: HashedFile,
  options: UploadOptions,
): Promise<UploadOutcome> {
  const { signal } = options;
  if (signal?.aborted) throw aborted(signal);
  const info = await stat(file.path).catch((error: unknown) => {
    throw fileError(file.path, error);
  });
  if (info.size !== file.bytes || info.mtimeMs !== file.modifiedMs)
    throw new OllamaError("OLLAMA_FILE", say`the file ${file.path} changed after its digest was taken`, {
      remedy: say`publish again; nothing was sent`,
    });
  const answer = await post(transport, file, options);
  if (answer.status === 200) return "present";
  if (answer.status === 201) return "created";
  const detail = errorText(answer.body);
  if (answer.status === 400 && detail.startsWith("digest mismatch"))
    throw new OllamaError("OLLAMA_FILE", say`the bytes of ${file.path} are not those of ${file.digest}: ${detail}`, {
      status: 400,
      detail,
      remedy: say`publish again; the file changed while it was sent`,
    });
  throw httpError(say`upload of ${file.path}`, answer.status, detail);
}

function post(transport: TransportOptions, file: HashedFile, options: UploadOptions): Promise<Early> {
  const { base } = transport;
  const { signal } = options;
  return new Promise<Early>((resolve, reject) => {
    const request = (base.protocol === "https:" ? https : http).request(new URL(`api/blobs/${file.digest}`, base), {
      method: "POST",
      agent: false,
      headers: {
        ...transport.headers,
        "content-type": "application/octet-stream",
        "content-length": String(file.bytes),
        connection: "close",
        ...(file.bytes > 0 ? { expect: "100-continue" } : {}),
      },
    });
    const source = createReadStream(file.path, { highWaterMark: 1024 * 1024, end: Math.max(file.bytes - 1, 0) });
    let sent = 0;
    let answered = false;
    let finished = false;
    let sending = false;
    const begin = () => {
      if (sending || answered || finished) return;
      sending = true;
      source.on("data", (piece) => {
        sent += piece.length;
        if (!answered) options.onBytes?.(sent, file.bytes);
      });
      source.pipe(request);
    };
    const impatience = setTimeout(begin, continueMs);
    request.once("continue", begin);
    const finish = (act: () => void) => {
      if (finished) return;
      finished = true;
      clearTimeout(impatience);
      signal?.removeEventListener("abort", onAbort);
      source.destroy();
      act();
    };
    const fail = (error: unknown) =>
      finish(() => {
        request.destroy();
        reject(isOllamaError(error) ? error : unreachable(base.host, error));
      });
    const onAbort = () => signal && fail(aborted(signal));
    signal?.addEventListener("abort", onAbort, { once: true });
    request.setTimeout(options.idleTimeoutSeconds * 1000, () =>
      fail(
        new OllamaError("OLLAMA_TIMEOUT", say`upload: the server took nothing for ${options.idleTimeoutSeconds} s`, {
          remedy: say`look whether its disk is full or busy, then publish again`,
          data: { sentBytes: sent },
        }),
      ),
    );
    request.once("response", (response) => {
      answered = true;
      source.unpipe(request);
      source.destroy();
      const parts: Buffer[] = [];
      response.on("data", (piece: Buffer) => parts.push(piece));
      response.once("error", fail);
      response.once("end", () =>
        finish(() => {
          request.destroy();
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) });
        }),
      );
    });
    request.on("error", (error) => {
      if (!answered) fail(error);
    });
    source.once("error", (error) => {
      if (!answered) fail(fileError(file.path, error));
    });
    if (file.bytes === 0) request.end();
    else request.flushHeaders();
  });
}
