export type Objective = (x: Float64Array, gradient: Float64Array) => number;

export interface Bounds {
  low: number;
  high: number;
}

/**
 * Minimises f from x within one interval for all coordinates: limited-memory BFGS whose step is projected onto the box, with
 * coordinates held while they press against an end (D. Bertsekas, 1982). Returns the best point seen and its value.
 */
export function minimise(
  f: Objective,
  start: Float64Array,
  { low, high }: Bounds,
  { iterations = 60, memory = 8, tolerance = 1e-7 } = {},
): { x: Float64Array; value: number } {
  const n = start.length;
  const clamp = (v: number) => Math.min(high, Math.max(low, v));
  let x = Float64Array.from(start, clamp);
  let gradient = new Float64Array(n);
  let value = f(x, gradient);
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let iteration = 0; iteration < iterations && Number.isFinite(value); iteration++) {
    const g = gradient;
    const held = Array.from(x, (v, i) => (v <= low && (g[i] as number) > 0) || (v >= high && (g[i] as number) < 0));
    const free = Float64Array.from(gradient, (v, i) => (held[i] ? 0 : v));
    if (norm(free) < tolerance) break;
    let direction = twoLoop(free, pairs);
    held.forEach((h, i) => {
      if (h) direction[i] = 0;
    });
    if (dot(direction, free) >= 0) direction = free.map((v) => -v);
    let step = pairs.length === 0 ? Math.min(1, 0.1 / norm(free)) : 1;
    let next = x;
    let nextValue = Number.POSITIVE_INFINITY;
    const nextGradient = new Float64Array(n);
    for (let tries = 0; tries < 25; tries++, step /= 2.5) {
      next = x.map((v, i) => clamp(v + step * (direction[i] as number)));
      nextValue = f(next, nextGradient);
      const decrease = next.reduce((sum, v, i) => sum + (free[i] as number) * (v - (x[i] as number)), 0);
      if (Number.isFinite(nextValue) && nextValue <= value + 1e-4 * decrease) break;
    }
    if (!(nextValue < value)) break;
    const s = next.map((v, i) => v - (x[i] as number));
    const y = nextGradient.map((v, i) => v - (gradient[i] as number));
    const curvature = dot(s, y);
    if (curvature > 1e-12) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    const gain = value - nextValue;
    x = next;
    gradient = nextGradient;
    value = nextValue;
    if (gain < tolerance * Math.max(1, Math.abs(value)) * 1e-2) break;
  }
  return { x, value };
}

function twoLoop(gradient: Float64Array, pairs: { s: Float64Array; y: Float64Array; rho: number }[]): Float64Array {
  const q = gradient.slice();
  const alphas: number[] = [];
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { s, y, rho } = pairs[k] as (typeof pairs)[number];
    const alpha = rho * dot(s, q);
    alphas[k] = alpha;
    for (let i = 0; i < q.length; i++) (q[i] as number) -= alpha * (y[i] as number);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < q.length; i++) (q[i] as number) *= scale;
  }
  pairs.forEach(({ s, y, rho }, k) => {
    const beta = rho * dot(y, q);
    for (let i = 0; i < q.length; i++) (q[i] as number) += ((alphas[k] as number) - beta) * (s[i] as number);
  });
  return q.map((v) => -v);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

const norm = (a: Float64Array) => Math.sqrt(dot(a, a));
