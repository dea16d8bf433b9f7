import { writeSync } from "node:fs";

const retries = 50;
const retryMilliseconds = 10;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Where log lines go. One that finds no room (a full disk) is left out and counted, and the count is told as soon as there is room:
 * what is logged must never end or hold up the work. (pino's own sink waits for ever in that case.)
 */
export function logSink(write: (bytes: Uint8Array) => number = (bytes) => writeSync(1, bytes)): {
  write(line: string): void;
} {
  let lost = 0;
  const put = (text: string): boolean => {
    let bytes = Buffer.from(text);
    for (let attempt = 0; ; )
      try {
        bytes = bytes.subarray(write(bytes));
        if (bytes.length === 0) return true;
      } catch (error) {
        const busy = (error as NodeJS.ErrnoException).code === "EAGAIN"; // a pipe whose reader is slow
        if (!busy || ++attempt > retries) return false;
        Atomics.wait(pause, 0, 0, retryMilliseconds);
      }
  };
  return {
    write(line) {
      const told =
        lost > 0 ? `${JSON.stringify({ level: 40, time: Date.now(), lost, msg: "log lines found no room" })}\n` : "";
      if (put(`${told}${line}`)) lost = 0;
      else lost++;
    },
  };
}
