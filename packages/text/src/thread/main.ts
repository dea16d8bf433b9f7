import { parentPort, workerData } from "node:worker_threads";
import { tooMuch } from "../text-error.ts";
import { replyOfError, TextThread } from "./answer.ts";
import type { Reply, Request, ThreadData } from "./protocol.ts";

// The program of a text thread: see host.ts.
const { rowsBegun } = workerData as ThreadData;
const thread = new TextThread(() => Atomics.add(rowsBegun, 0, 1));

parentPort?.on("message", (request: Request) => {
  let reply: Reply;
  try {
    reply = { value: thread.answer(request) };
  } catch (error) {
    // The stack, or the length of a string.
    reply = replyOfError(error instanceof RangeError ? tooMuch(error) : error);
  }
  parentPort?.postMessage(reply);
});
