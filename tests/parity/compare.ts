// Distances between what the engine says and what the reference says, and the verdicts made of them.
import type { CaseResult } from "../support/suite-result.ts";

/** Largest |a - b|; Infinity when lengths differ or a value is not finite. */
export function worstAbsolute(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i] ?? Number.NaN) - (want[i] ?? Number.NaN));
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst;
}

/** |a - b| / |b| as vectors; a reference's norm counts as `least` at least, and as 1 where both are zero. */
export function relativeToNorm(got: ArrayLike<number>, want: ArrayLike<number>, least = 0): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < want.length; i++) {
    const reference = want[i] ?? Number.NaN;
    difference += ((got[i] ?? Number.NaN) - reference) ** 2;
    norm += reference ** 2;
  }
  const ratio = Math.sqrt(difference) / (Math.max(Math.sqrt(norm), least) || 1);
  return Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
}

export const normOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Largest |a - b| / max(1, |b|): relative for large values, absolute for small ones. */
export function worstScaled(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const reference = want[i] ?? Number.NaN;
    const difference = Math.abs((got[i] ?? Number.NaN) - reference) / Math.max(1, Math.abs(reference));
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst;
}

export function verdict(name: string, worst: number, limit: number, detail = ""): CaseResult {
  const passed = worst <= limit;
  return {
    name,
    status: passed ? "passed" : "failed",
    worst,
    detail: passed ? detail : `above ${limit} ${detail}`.trim(),
  };
}
