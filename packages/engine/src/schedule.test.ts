import { describe, expect, it } from "vitest";
import { learningRateAt } from "./schedule.ts";

// Values printed by transformers 5.18: get_cosine/linear/constant_schedule_with_warmup(lr=0.002, warm-up 2, 10 steps).
describe("learningRateAt", () => {
  const base = { learningRate: 0.002, warmupSteps: 2, totalSteps: 10 };

  it("follows cosine with warm-up", () => {
    const want = [
      0, 0.001, 0.002, 0.0019238795, 0.0017071068, 0.0013826834, 0.001, 0.0006173166, 0.0002928932, 0.0000761205,
    ];
    want.forEach((value, step) => {
      expect(learningRateAt({ ...base, kind: "cosine" }, step)).toBeCloseTo(value, 9);
    });
    expect(learningRateAt({ ...base, kind: "cosine" }, 10)).toBeCloseTo(0, 12);
  });

  it("follows linear with warm-up and stays at zero past the end", () => {
    expect(learningRateAt({ ...base, kind: "linear" }, 1)).toBeCloseTo(0.001, 12);
    expect(learningRateAt({ ...base, kind: "linear" }, 6)).toBeCloseTo(0.001, 12);
    expect(learningRateAt({ ...base, kind: "linear" }, 11)).toBe(0);
  });

  it("keeps constant after warm-up", () => {
    expect(learningRateAt({ ...base, kind: "constant" }, 0)).toBe(0);
    expect(learningRateAt({ ...base, kind: "constant" }, 500)).toBe(0.002);
  });

  it("names the field that cannot work", () => {
    expect(() => learningRateAt({ ...base, kind: "cosine" }, -1)).toThrow(/step/);
    expect(() => learningRateAt({ ...base, kind: "linear", totalSteps: 0 }, 0)).toThrow(/totalSteps/);
    expect(() => learningRateAt({ ...base, kind: "linear", warmupSteps: 0.5 }, 0)).toThrow(/warmupSteps/);
  });
});
