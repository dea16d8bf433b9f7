// Tree-structured Parzen estimator (J. Bergstra et al., 2011), multivariate, with constant liars for trials that still run.
import type { SearchParameter, SearchPoint } from "@anneal/contracts";
import { random } from "../random.ts";
import { evenly } from "../samplers.ts";
import { isActive, keyOf, ordered } from "../space.ts";
import {
  firstThatFits,
  losses,
  measured,
  NothingFits,
  type Planner,
  pending,
  type Sampler,
  type Study,
  type Trial,
} from "../study.ts";
import { parzen } from "./parzen.ts";

export interface TpeOptions {
  startup?: number; // evenly spread trials before the model is used
  candidates?: number; // points drawn from the good trials' density, of which the best ratio is taken
}

export function tpeSampler({ startup = 10, candidates = 24 }: TpeOptions = {}): Sampler {
  return {
    async next(study, planner) {
      const done = measured(study.trials);
      const index = study.trials.length;
      const point =
        (index < startup || done.length < 2 ? null : await modelled(study, index, candidates, planner)) ??
        (await evenly(study, index, planner));
      if (!point) throw new NothingFits(2048);
      return point;
    },
  };
}

async function modelled(
  study: Study,
  index: number,
  candidates: number,
  planner?: Planner,
): Promise<SearchPoint | null> {
  const { good, bad } = split(study);
  const rng = random(study.seed, 11, index);
  const order = ordered(study.space);
  const base = order.filter((name) => !study.space[name]?.when);
  const ratio = densities(study, base, good, bad);
  const drawn = new Set(study.trials.map((t) => keyOf(t.point)));
  const items: { point: SearchPoint; score: number }[] = [];
  for (let i = 0; i < (planner ? candidates * 8 : candidates); i++) {
    const point = ratio.draw(rng);
    let score = ratio.score(point);
    // Conditional parameters come after those they depend on, each by the trials in which it was active.
    for (const name of order) {
      if (!study.space[name]?.when || !isActive(study.space[name] as SearchParameter, point)) continue;
      const has = (p: SearchPoint) => name in p;
      const child = densities(study, [name], good.filter(has), bad.filter(has));
      const options = Array.from({ length: 8 }, () => child.draw(rng)).map((value) => ({
        value,
        score: child.score(value),
      }));
      const best = options.reduce((a, b) => (b.score > a.score ? b : a));
      Object.assign(point, best.value);
      score += best.score;
    }
    if (!drawn.has(keyOf(point))) items.push({ point, score });
  }
  items.sort((a, b) => b.score - a.score);
  return firstThatFits(items, planner);
}

function densities(study: Study, names: string[], good: SearchPoint[], bad: SearchPoint[]) {
  const parameters = names.map((name): [string, SearchParameter] => [name, study.space[name] as SearchParameter]);
  const l = parzen(parameters, good, recency(good.length));
  const g = parzen(parameters, bad, recency(bad.length));
  return { draw: l.draw, score: (point: SearchPoint) => l.logDensity(point) - g.logDensity(point) };
}

const stopped = (t: Trial) => t.state === "pruned" || t.state === "paused";

/**
 * The best tenth (25 at most) against the rest. Pruned trials stand behind complete ones, those that came further first;
 * trials that failed or still run count as bad.
 */
function split(study: Study): { good: SearchPoint[]; bad: SearchPoint[] } {
  const done = measured(study.trials);
  const loss = losses(study, done);
  const complete = done.map((trial, i) => ({ trial, loss: loss[i] as number })).sort((a, b) => a.loss - b.loss);
  const pruned = study.trials.filter((t) => stopped(t) && t.reports.length > 0);
  const last = pruned.map((trial, i) => {
    const { resource, value } = trial.reports.at(-1) as Trial["reports"][number];
    return { trial, resource, loss: losses(study, [{ ...trial, value }])[0] as number, i };
  });
  last.sort((a, b) => b.resource - a.resource || a.loss - b.loss);
  const ranked = [...complete, ...last].map((r) => r.trial);
  const best = new Set(ranked.slice(0, Math.min(25, Math.ceil(0.1 * ranked.length))));
  const unknown = study.trials.filter((t) => t.state === "failed" || (stopped(t) && t.reports.length === 0));
  const rest = new Set([...ranked.filter((t) => !best.has(t)), ...unknown, ...pending(study.trials)]);
  const points = (of: Set<Trial>) => study.trials.filter((t) => of.has(t)).map((t) => t.point);
  return { good: points(best), bad: points(rest) };
}

// Weights of the trials in the mixture: the newest 25 whole, older ones on a ramp.
function recency(count: number): number[] {
  if (count < 25) return Array.from({ length: count }, () => 1);
  const ramp = count - 25;
  return Array.from({ length: count }, (_, i) =>
    i >= ramp ? 1 : ramp === 1 ? 1 / count : 1 / count + (i / (ramp - 1)) * (1 - 1 / count),
  );
}
