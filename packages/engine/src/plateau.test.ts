import { expect, it } from "vitest";
import { plateauAfter, startPlateau } from "./plateau.ts";

// Learning rates that torch 2.13's ReduceLROnPlateau gives for these losses (peak 0.002).
it("falls as torch's ReduceLROnPlateau does", () => {
  const options = { factor: 0.5, patience: 1, cooldown: 1, threshold: 1e-2, minRatio: 0.15 };
  const losses = [3, 2.5, 2.49, 2.48, 2.48, 2.47, 2.46, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6];
  const want = [2, 2, 2, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3].map((value) => value * 1e-3);
  let state = startPlateau;
  const rates = losses.map((loss) => {
    state = plateauAfter(state, loss, options);
    return 0.002 * state.factor;
  });
  rates.forEach((rate, i) => {
    expect(rate).toBeCloseTo(want[i] ?? 0, 12);
  });
});
