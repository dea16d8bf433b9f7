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

  // The same functions of transformers 5.18 with a peak of 0.002, 2 warm-up steps, 12 steps in all.
  const twelve = { learningRate: 0.002, warmupSteps: 2, totalSteps: 12 };
  it.each<[string, Parameters<typeof learningRateAt>[0], number[]]>([
    [
      "cosine with restarts",
      { ...twelve, kind: "cosine_restarts", cycles: 3 },
      [0, 1e-3, 2e-3, 0.001587785252, 0.000690983006, 0.000048943484, 0.001809016994, 1e-3, 0.000190983006],
    ],
    [
      "polynomial",
      { ...twelve, kind: "polynomial", power: 2, minRatio: 0.1 },
      [0, 1e-3, 2e-3, 0.001658, 0.001352, 0.001082, 0.000848, 0.00065, 0.000488, 0.000362, 0.000272, 0.000218],
    ],
    [
      "inverse square root",
      { ...twelve, kind: "inverse_sqrt" },
      [0, 1e-3, 2e-3, 0.001632993162, 0.001414213562, 0.001264911064, 0.001154700538, 0.001069044968, 1e-3],
    ],
    [
      "cosine to a floor",
      { ...twelve, kind: "cosine", minRatio: 0.1 },
      [0, 1e-3, 2e-3, 0.001955950865, 0.001828115295, 0.001629006727, 0.001378115295, 0.0011, 0.000821884705],
    ],
    [
      "warm-up, stable, decay",
      { ...twelve, kind: "wsd", decayShare: 4 / 12, minRatio: 0.1 },
      [0, 1e-3, 2e-3, 2e-3, 2e-3, 2e-3, 2e-3, 2e-3, 2e-3, 0.001736396103, 0.0011, 0.000463603897],
    ],
  ])("follows %s", (_, schedule, want) => {
    for (const [step, value] of want.entries()) expect(learningRateAt(schedule, step)).toBeCloseTo(value, 9);
  });

  it("takes what the plateau made of the rate", () => {
    expect(learningRateAt({ ...twelve, kind: "plateau", plateauFactor: 0.25 }, 7)).toBeCloseTo(0.0005, 12);
    expect(learningRateAt({ ...twelve, kind: "plateau", plateauFactor: 0.25 }, 1)).toBeCloseTo(0.001, 12);
  });

  it("names the field that cannot work", () => {
    expect(() => learningRateAt({ ...base, kind: "cosine" }, -1)).toThrow(/step/);
    expect(() => learningRateAt({ ...base, kind: "linear", totalSteps: 0 }, 0)).toThrow(/totalSteps/);
    expect(() => learningRateAt({ ...base, kind: "linear", warmupSteps: 0.5 }, 0)).toThrow(/warmupSteps/);
  });
});
