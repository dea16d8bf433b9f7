import { ReplyError } from "../faulty.ts";
import { askForBody, type Exchange, sendEmpty } from "../http.ts";
import type { Store } from "../store.ts";

const drained = 256 * 1024;

export async function headBlob(store: Store, exchange: Exchange, digest: string): Promise<void> {
  if (!(await known(store, digest))) throw new ReplyError(404, `blob ${JSON.stringify(digest)} not found`);
  exchange.response.writeHead(200).end();
}

async function known(store: Store, digest: string): Promise<boolean> {
  try {
    return await store.hasBlob(digest);
  } catch {
    throw new ReplyError(400, "invalid digest format");
  }
}

export async function postBlob(store: Store, exchange: Exchange, digest: string): Promise<void> {
  const { request, response } = exchange;
  if (await known(store, digest)) return answerUnread(exchange);
  askForBody(exchange);
  try {
    const blob = await store.addBlob(request);
    if (blob.digest !== digest)
      throw new ReplyError(400, `digest mismatch, expected "${digest}", got "${blob.digest}"`);
    sendEmpty(response, 201);
  } catch (error) {
    if (error instanceof ReplyError) throw error;
    if (exchange.gone.aborted || response.destroyed) return;
    throw new ReplyError(
      500,
      error instanceof Error && /aborted/.test(error.message) ? "unexpected EOF" : String(error),
    );
  }
}

// A digest that is there is answered at once. A short body is taken in and dropped; on a long one the connection is
// closed from our side, and the rest of the body is never read.
function answerUnread({ request, response }: Exchange): void {
  const length = Number(request.headers["content-length"] ?? Number.NaN);
  if (length <= drained) {
    request.resume();
    sendEmpty(response, 200);
    return;
  }
  const { socket } = request;
  response.detachSocket(socket);
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 200 OK\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  const timer = setTimeout(() => socket.destroy(), 500);
  timer.unref();
}
