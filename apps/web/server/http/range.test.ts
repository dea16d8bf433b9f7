import { expect, test } from "vitest";
import { rangeOf } from "./range.ts";

test.each([
  [null, 10, null],
  ["bytes=0-", 10, { start: 0, end: 9 }],
  ["bytes=3-5", 10, { start: 3, end: 5 }],
  ["bytes=3-99", 10, { start: 3, end: 9 }],
  ["bytes=9-9", 10, { start: 9, end: 9 }],
  ["bytes=10-", 10, "beyond"],
  ["bytes=99-120", 10, "beyond"],
  ["bytes=0-", 0, "beyond"],
  ["bytes=-4", 10, { start: 6, end: 9 }],
  ["bytes=-40", 10, { start: 0, end: 9 }],
  ["bytes=-0", 10, "beyond"],
  ["bytes=5-3", 10, null],
  ["bytes=-", 10, null],
  ["bytes=0-1,3-4", 10, null],
  ["rows=0-1", 10, null],
  ["bytes=0x1-5", 10, null],
])("%s of %i bytes", (header, size, range) => expect(rangeOf(header, size)).toEqual(range));
