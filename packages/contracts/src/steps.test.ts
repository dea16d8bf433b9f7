import { describe, expect, it } from "vitest";
import { inWords } from "./phrase/phrase.ts";
import { countSteps } from "./steps.ts";

const counted = (epochs: number | null, maxSteps: number | null, rows = 64) => {
  const { totalSteps, note } = countSteps({ rows, batchRows: 32, epochs, maxSteps });
  return { totalSteps, note: note && inWords(note) };
};

describe("countSteps", () => {
  it("takes as many steps as are asked for where only they are said", () => {
    expect(counted(null, 200)).toEqual({ totalSteps: 200, note: null });
    expect(counted(null, 1)).toEqual({ totalSteps: 1, note: null });
  });
  it("names what ends training where both are said", () => {
    expect(counted(1, 200).totalSteps).toBe(2);
    expect(counted(1, 200).note).toMatch(/^2 steps, not 200: one epoch has no more/);
    expect(counted(3, 200).note).toMatch(/^6 steps, not 200: 3 epochs have no more/);
    expect(counted(0.5, 200).note).toMatch(/^1 step, not 200: 0.5 epochs/);
    expect(counted(3, 5)).toEqual({
      totalSteps: 5,
      note: "5 steps, not the 6 of 3 epochs: maxSteps ends training there",
    });
  });
  it("has nothing to say where both mean the same, or one is not said", () => {
    expect(counted(3, 6)).toEqual({ totalSteps: 6, note: null });
    expect(counted(3, null)).toEqual({ totalSteps: 6, note: null });
  });
});
