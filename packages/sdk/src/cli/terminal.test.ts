import { expect, test } from "vitest";
import { wilsonInterval } from "../interval.ts";
import { bytes, duration, oneLine, safe, table } from "./terminal.ts";

test("foreign text cannot steer the terminal or turn the line around", () => {
  expect(safe("a\u001b[2Jb\u0007\u202ec\u009b")).toBe("a\ufffd[2Jb\ufffd\ufffdc\ufffd");
  expect(safe("tab\tand\nline")).toBe("tab\tand\nline");
  expect(oneLine("a\n\n  b", 100)).toBe("a b");
  expect(oneLine("abcdef", 4)).toBe("abc…");
});

test("numbers as people read them", () => {
  expect([bytes(0), bytes(1023), bytes(1536), bytes(5 * 1024 ** 3)]).toEqual(["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]);
  expect([duration(null), duration(59.4), duration(61), duration(3600 * 26)]).toEqual([
    "-",
    "59 s",
    "1 min 01 s",
    "26 h 00 min",
  ]);
  expect(table(["A", "LONG"], [["xyz", "1"]])).toBe("A    LONG\nxyz  1");
});

test("Wilson's interval against published values", () => {
  const { low, high } = wilsonInterval(8, 10); // 0.490 to 0.943
  expect([low.toFixed(3), high.toFixed(3)]).toEqual(["0.490", "0.943"]);
  expect(wilsonInterval(0, 20).low).toBe(0);
  expect(wilsonInterval(20, 20).high).toBe(1);
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
});
