import type { IncomingMessage, ServerResponse } from "node:http";

export interface BodyLimits {
  /** The whole body must be here by then; an upload may take as long as it needs. */
  requestSeconds: number;
  /** An upload from which nothing came for so long is given up. */
  stallSeconds: number;
}

const drainSeconds = 5;
const drainBytes = 64 * 1024 ** 2;

const hasBody = ({ headers }: IncomingMessage) =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
const isUpload = ({ method, url }: IncomingMessage) => method === "PUT" && /^\/api\/uploads(\?|$)/.test(url ?? "");

function giveUp(request: IncomingMessage, response: ServerResponse): void {
  if (!response.headersSent) request.socket.write("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
  request.socket.destroySoon();
}

/** Ends what is sent too slowly. Node has one limit for all requests; here uploads are measured by their progress. */
export function limitBody(request: IncomingMessage, response: ServerResponse, limits: BodyLimits): void {
  if (!hasBody(request)) return;
  const upload = isUpload(request);
  const seconds = upload ? limits.stallSeconds : limits.requestSeconds;
  const { socket } = request;
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    if (request.complete || response.writableEnded) return clearInterval(timer);
    if (upload && socket.bytesRead > seen) {
      seen = socket.bytesRead;
      return;
    }
    clearInterval(timer);
    giveUp(request, response);
  }, seconds * 1000);
  timer.unref();
  response.once("close", () => clearInterval(timer));
}

/**
 * A body that was refused before it was read would stand in the connection and hold up the next request on it: what is left
 * of it is read and dropped, up to a bound; then the connection ends.
 */
export function drainAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request)) return;
  response.once("finish", () => {
    if (request.complete && request.readableEnded) return;
    const { socket } = request;
    const timer = setTimeout(() => socket.destroy(), drainSeconds * 1000);
    let dropped = 0;
    // Whoever was reading has stopped; a listener left behind would keep the stream from flowing.
    request.removeAllListeners("readable");
    request.removeAllListeners("data");
    request.on("data", (chunk: Buffer) => {
      dropped += chunk.length;
      if (dropped > drainBytes) socket.destroy();
    });
    const done = () => clearTimeout(timer);
    request.once("end", done);
    request.once("error", done);
    socket.once("close", done);
    setImmediate(() => request.resume()); // the removed listeners count until the next tick
  });
}
