import { expect, test } from "vitest";
import { logSink } from "./log-sink.ts";

test("lines that find no room are left out, counted, and the count is told when there is room", () => {
  const written: string[] = [];
  let failure: string | null = null;
  const sink = logSink((bytes) => {
    if (failure) throw Object.assign(new Error(failure), { code: failure });
    written.push(Buffer.from(bytes).toString());
    return bytes.length;
  });
  sink.write("one\n");
  for (const code of ["ENOSPC", "EDQUOT", "EPIPE"]) {
    failure = code;
    sink.write(`${code}\n`);
  }
  failure = null;
  sink.write("two\n");
  sink.write("three\n");
  expect(written[0]).toBe("one\n");
  expect(written[1]).toMatch(/"lost":3.*\ntwo\n$/);
  expect(written.slice(2)).toEqual(["three\n"]);
});

test("a slow reader is waited for a moment, and a line that goes out in parts is whole", () => {
  let out = Buffer.alloc(0);
  let busy = 2;
  const sink = logSink((bytes) => {
    if (busy-- > 0) throw Object.assign(new Error("busy"), { code: "EAGAIN" });
    const part = bytes.subarray(0, 7); // in the middle of a character
    out = Buffer.concat([out, part]);
    return part.length;
  });
  sink.write("磁盘已满 full\n");
  expect(out.toString()).toBe("磁盘已满 full\n");
});
