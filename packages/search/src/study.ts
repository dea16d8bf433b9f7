import type { SearchPoint, SearchSpace } from "@anneal/contracts";

/** `paused`: waits at a rung of successive halving and may go on. */
export type TrialState = "waiting" | "running" | "paused" | "complete" | "pruned" | "failed";

export interface Trial {
  point: SearchPoint;
  state: TrialState;
  /** The measured objective of a complete trial, the last one seen of a pruned trial. */
  value: number | null;
  /** The objective on the way, in order of the resource (steps, tokens). */
  reports: { resource: number; value: number }[];
}

/** All that a sampler knows. The same study gives the same next point: a search goes on after a crash where it stood. */
export interface Study {
  space: SearchSpace;
  direction: "minimise" | "maximise";
  seed: number;
  trials: Trial[];
}

/** What a planner says of a point. `seconds` null: unknown. */
export type Forecast = { fits: true; seconds: number | null } | { fits: false };

/** Looks at points before one is drawn: those that do not fit are never drawn, and cheaper ones are worth more. */
export type Planner = (points: SearchPoint[]) => Promise<Forecast[]>;

export interface Sampler {
  /** The next point, or null where the sampler has no more. */
  next(study: Study, planner?: Planner): Promise<SearchPoint | null>;
}

export class NothingFits extends Error {
  constructor(readonly tried: number) {
    super(`none of ${tried} points of the search space fits the machine: narrow the space or raise the memory budget`);
  }
}

/** Values to minimise: the sign of a maximised objective is turned. */
export function losses(study: Study, trials: Trial[]): number[] {
  const sign = study.direction === "minimise" ? 1 : -1;
  return trials.map((t) => sign * (t.value as number));
}

export const measured = (trials: Trial[]): Trial[] =>
  trials.filter((t) => t.state === "complete" && t.value !== null && Number.isFinite(t.value));

export const pending = (trials: Trial[]): Trial[] =>
  trials.filter((t) => t.state === "running" || t.state === "waiting");

/**
 * The best-ranked point that fits; with `perSecond` the best by score less the logarithm of its planned seconds.
 * `ranked` yields points from the best to the worst by a score that is a logarithm.
 */
export async function firstThatFits(
  ranked: Iterable<{ point: SearchPoint; score: number }>,
  planner: Planner | undefined,
  batch = 16,
  most = 2048,
): Promise<SearchPoint | null> {
  const iterator = ranked[Symbol.iterator]();
  for (let tried = 0; tried < most; ) {
    const some: { point: SearchPoint; score: number }[] = [];
    while (some.length < (planner ? batch : 1)) {
      const item = iterator.next();
      if (item.done) break;
      some.push(item.value);
    }
    if (some.length === 0) return null;
    if (!planner) return (some[0] as { point: SearchPoint }).point;
    tried += some.length;
    const forecasts = await planner(some.map((s) => s.point));
    let best: { point: SearchPoint; score: number } | null = null;
    some.forEach(({ point, score }, i) => {
      const forecast = forecasts[i];
      if (!forecast?.fits) return;
      const worth = score - (forecast.seconds ? Math.log(forecast.seconds) : 0);
      if (!best || worth > best.score) best = { point, score: worth };
    });
    if (best) return (best as { point: SearchPoint }).point;
  }
  return null;
}
