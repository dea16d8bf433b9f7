// Bayesian search: a Gaussian process of the objective and the logarithm of the expected improvement, which knows what still runs.
import type { SearchParameter, SearchPoint, SearchSpace, SearchValue } from "@anneal/contracts";
import { logImprovement } from "../normal.ts";
import { quasiRandom, type Random, random } from "../random.ts";
import { evenly } from "../samplers.ts";
import { fromRange, isActive, keyOf, levels, ordered, range, toRange } from "../space.ts";
import {
  firstThatFits,
  losses,
  measured,
  NothingFits,
  pending,
  type Sampler,
  type Study,
  type Trial,
} from "../study.ts";
import { minimise } from "./lbfgs.ts";
import { type AxisKind, fit, type Process } from "./process.ts";
import { warp } from "./warp.ts";

export interface GpOptions {
  startup?: number; // evenly spread trials before the model is used
  candidates?: number; // points at which the improvement is computed before the best are climbed from
  most?: number; // trials the model is fitted to: the best half and the newest half of more
}

export function gpSampler({ startup = 10, candidates = 1024, most = 200 }: GpOptions = {}): Sampler {
  return {
    async next(study, planner) {
      const index = study.trials.length;
      const done = chosen(study, most);
      const point =
        index < startup || done.length < 3
          ? null
          : await firstThatFits(proposals(study, done, index, candidates), planner, 64);
      const drawn = point ?? (await evenly(study, index, planner));
      if (!drawn) throw new NothingFits(2048);
      return drawn;
    },
  };
}

function chosen(study: Study, most: number): Trial[] {
  const done = measured(study.trials);
  if (done.length <= most) return done;
  const loss = losses(study, done);
  const byLoss = done.map((trial, i) => ({ trial, loss: loss[i] as number })).sort((a, b) => a.loss - b.loss);
  const keep = new Set([...byLoss.slice(0, most / 2).map((r) => r.trial), ...done.slice(-most / 2)]);
  return done.filter((t) => keep.has(t));
}

interface Encoding {
  order: string[];
  axes: AxisKind[];
  encode(point: SearchPoint): Float64Array;
  decode(x: Float64Array): SearchPoint;
}

/** Points of a space as points of the unit cube; a parameter that is not active lies in the middle, or is a category of its own. */
export function encoding(space: SearchSpace): Encoding {
  const order = ordered(space);
  const parameters = order.map((name) => space[name] as SearchParameter);
  return {
    order,
    axes: parameters.map((p) => (p.kind === "categorical" ? "category" : "numeric")),
    encode: (point) =>
      Float64Array.from(parameters, (p, i) => {
        const name = order[i] as string;
        if (p.kind === "categorical")
          return name in point ? p.choices.indexOf(point[name] as SearchValue) : p.choices.length;
        if (!(name in point)) return 0.5;
        const { low, high } = range(p);
        return high > low ? (toRange(p, point[name] as number) - low) / (high - low) : 0.5;
      }),
    decode(x) {
      const point: SearchPoint = {};
      parameters.forEach((p, i) => {
        if (!isActive(p, point)) return;
        const v = x[i] as number;
        const name = order[i] as string;
        if (p.kind === "categorical") point[name] = p.choices[Math.min(p.choices.length - 1, v)] as SearchValue;
        else {
          const { low, high } = range(p);
          point[name] = fromRange(p, low + v * (high - low));
        }
      });
      return point;
    },
  };
}

/** Points by log expected improvement, the best first, none that was drawn before unless nothing else is left. */
function* proposals(
  study: Study,
  done: Trial[],
  index: number,
  count: number,
): Generator<{ point: SearchPoint; score: number }> {
  const { axes, encode, decode, order } = encoding(study.space);
  const rng = random(study.seed, 13, index);
  const points = done.map((t) => encode(t.point));
  const values = warp(losses(study, done));
  const model = fit(axes, points, values);
  const best = model.fitted().reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const process = model.believing(pending(study.trials).map((t) => encode(t.point)));
  const score = (x: Float64Array) => improvement(process, best, x);
  const snap = (x: Float64Array) => encode(decode(x));

  const even = quasiRandom(order.length, study.seed + index);
  const categories = (p: SearchParameter) => (p.kind === "categorical" ? p.choices.length : 0);
  const parameters = order.map((name) => study.space[name] as SearchParameter);
  const spread = (u: number[]) =>
    Float64Array.from(u, (v, d) => {
      const n = categories(parameters[d] as SearchParameter);
      return n > 0 ? Math.min(n - 1, Math.floor(v * n)) : v;
    });
  const ranked = values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
  const starts = [
    ...Array.from({ length: count }, (_, i) => spread(even(i))),
    ...Array.from({ length: count / 4 }, (_, i) =>
      near(points[ranked[i % Math.min(5, ranked.length)] as number] as Float64Array, parameters, rng),
    ),
  ].map((x) => ({ x, log: score(snap(x)) }));
  starts.sort((a, b) => b.log - a.log);
  const climbed = starts.slice(0, 6).map(({ x }) => climb(process, best, x, parameters, snap));
  const all = [...climbed, ...starts.slice(0, 256).map(({ x, log }) => ({ x: snap(x), log }))].sort(
    (a, b) => b.log - a.log,
  );
  const drawn = new Set(study.trials.map((t) => keyOf(t.point)));
  const given = new Set<string>();
  for (const { x, log } of all) {
    const point = decode(x);
    const key = keyOf(point);
    if (drawn.has(key) || given.has(key)) continue;
    given.add(key);
    yield { point, score: log };
  }
}

function improvement(process: Process, best: number, x: Float64Array, gradient?: Float64Array): number {
  const dMean = gradient && new Float64Array(x.length);
  const dVariance = gradient && new Float64Array(x.length);
  const { mean, variance } = process.predict(x, dMean, dVariance);
  const deviation = Math.sqrt(variance);
  const z = (best - mean) / deviation;
  const { log, slope } = logImprovement(z);
  if (gradient && dMean && dVariance)
    for (let d = 0; d < x.length; d++) {
      const dDeviation = (dVariance[d] as number) / (2 * deviation);
      const dz = -(dMean[d] as number) / deviation - (z * dDeviation) / deviation;
      gradient[d] = slope * dz + dDeviation / deviation;
    }
  return log + Math.log(deviation);
}

/** Climbs from x: continuous axes by their gradient, then each discrete axis over its values, in turns until nothing is gained. */
function climb(
  process: Process,
  best: number,
  from: Float64Array,
  parameters: SearchParameter[],
  snap: (x: Float64Array) => Float64Array,
) {
  const stepped = parameters.map((p) => p.kind === "categorical" || levels(p) <= 64);
  let x = snap(from);
  let log = improvement(process, best, x);
  for (let round = 0; round < 4; round++) {
    const before = log;
    const climbing = minimise(
      (at, gradient) => {
        const value = improvement(process, best, at, gradient);
        for (let d = 0; d < at.length; d++) gradient[d] = stepped[d] ? 0 : -(gradient[d] as number);
        return -value;
      },
      x,
      { low: 0, high: Math.max(1, ...x) },
      { iterations: 25, tolerance: 1e-5 },
    );
    const moved = snap(Float64Array.from(climbing.x, (v, d) => (stepped[d] ? (x[d] as number) : Math.min(1, v))));
    const movedLog = improvement(process, best, moved);
    if (movedLog > log) [x, log] = [moved, movedLog];
    for (let d = 0; d < x.length; d++) {
      if (!stepped[d]) continue;
      for (const value of valuesOf(parameters[d] as SearchParameter)) {
        const other = x.slice();
        other[d] = value;
        const snapped = snap(other);
        const otherLog = improvement(process, best, snapped);
        if (otherLog > log) [x, log] = [snapped, otherLog];
      }
    }
    if (log - before < 1e-4) break;
  }
  return { x, log };
}

function valuesOf(p: SearchParameter): number[] {
  if (p.kind === "categorical") return p.choices.map((_, i) => i);
  const n = levels(p);
  return n === 1
    ? [0.5]
    : Array.from({ length: n }, (_, i) => {
        const { low, high } = range(p);
        return (toRange(p, p.low + i * (p.step ?? 0)) - low) / (high - low);
      });
}

/** A neighbour: some axes moved by a normal step, categories drawn anew now and then. */
function near(x: Float64Array, parameters: SearchParameter[], rng: Random): Float64Array {
  const scale = 10 ** (-0.5 - 2 * rng.next());
  return x.map((v, d) => {
    const p = parameters[d] as SearchParameter;
    if (rng.next() < 0.4) return v;
    if (p.kind === "categorical") return rng.next() < 0.3 ? rng.below(p.choices.length) : v;
    return Math.min(1, Math.max(0, v + scale * rng.normal()));
  });
}
