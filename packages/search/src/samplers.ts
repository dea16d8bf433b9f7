// Samplers without a model: every point of a grid, or points that fill the space evenly.
import type { SearchPoint } from "@anneal/contracts";
import { quasiRandom, random } from "./random.ts";
import { enumerate, fromUnit, keyOf, ordered, sizeOf } from "./space.ts";
import { firstThatFits, NothingFits, type Planner, type Sampler, type Study } from "./study.ts";

/** Every point once, in order. A continuous parameter gives `perContinuous` values. */
export function gridSampler({ perContinuous = 5 } = {}): Sampler {
  return {
    async next(study, planner) {
      const drawn = new Set(study.trials.map((t) => keyOf(t.point)));
      const rest = function* () {
        for (const point of enumerate(study.space, perContinuous))
          if (!drawn.has(keyOf(point))) yield { point, score: 0 };
      };
      return firstThatFits(rest(), planner && inOrder(planner), 1, Number.POSITIVE_INFINITY);
    },
  };
}

const inOrder =
  (planner: Planner): Planner =>
  async (points) =>
    (await planner(points)).map((f) => (f.fits ? { fits: true, seconds: null } : f));

/** Points that fill the space evenly (quasi-random). A point is drawn twice only where all of a discrete space was. */
export function randomSampler(): Sampler {
  return {
    async next(study, planner) {
      const point = await evenly(study, study.trials.length, planner);
      if (!point) throw new NothingFits(2048);
      return point;
    },
  };
}

/** The `index`-th point that fills the space, moved on past points that do not fit or were drawn before. */
export async function evenly(study: Study, index: number, planner?: Planner): Promise<SearchPoint | null> {
  const order = ordered(study.space);
  const even = quasiRandom(order.length, study.seed);
  const rng = random(study.seed, 7, index);
  const drawn = new Set(study.trials.map((t) => keyOf(t.point)));
  const exhausted = drawn.size > 0 && sizeOf(study.space, drawn.size + 1) <= drawn.size;
  const candidates = function* () {
    const first = fromUnit(study.space, order, even(index));
    if (exhausted || !drawn.has(keyOf(first))) yield { point: first, score: 0 };
    for (let i = 0; i < 8192; i++) {
      const point = fromUnit(
        study.space,
        order,
        order.map(() => rng.next()),
      );
      if (exhausted || !drawn.has(keyOf(point))) yield { point, score: 0 };
    }
  };
  return firstThatFits(candidates(), planner && inOrder(planner), 1);
}
