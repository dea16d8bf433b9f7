import { describe, expect, it } from "vitest";
import { memoryParts, scaleOf } from "./memory-parts.ts";

const memory = {
  weightBytes: 80,
  blockBytes: 15,
  adapterBytes: 0,
  gradientBytes: 10,
  optimizerBytes: 20,
  activationBytes: 40,
  referenceBytes: 5,
  logitsBytes: 5,
  packingBytes: 3,
  runtimeBytes: 2,
  totalBytes: 180,
};

describe("memory parts", () => {
  it("add up to the total and leave out what is nothing", () => {
    const parts = memoryParts(memory);
    expect(parts.map(({ key }) => key)).not.toContain("adapter");
    expect(parts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(memory.totalBytes);
  });
  it("are drawn to the budget's scale, and never reach over the bar's end", () => {
    expect(scaleOf(180, 200)).toBe(200);
    expect(scaleOf(180, 100)).toBe(180);
    expect(scaleOf(180, 1e9)).toBe(1e9);
    expect(scaleOf(0, 0)).toBe(1);
  });
});
