import { expect, it } from "vitest";
import { Remembered } from "./remembered.ts";

it("keeps what was asked last, and makes an answer once", async () => {
  const remembered = new Remembered<number>(2);
  let made = 0;
  const ask = (key: string) => remembered.of(key, async () => ++made);
  expect(await Promise.all([ask("a"), ask("a"), ask("b")])).toEqual([1, 1, 2]);
  expect(await ask("a")).toBe(1); // now b is the one not asked for longest
  await ask("c");
  expect([remembered.has("a"), remembered.has("b"), remembered.has("c")]).toEqual([true, false, true]);
});

it("forgets a failure", async () => {
  const remembered = new Remembered<number>(2);
  await expect(remembered.of("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await remembered.of("a", () => 1)).toBe(1);
});
