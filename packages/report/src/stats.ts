// Statistics of the report. Every random choice is seeded: the same rows always give the same report.

export interface Interval {
  low: number;
  high: number;
}

// Inverse of the standard normal distribution (Acklam's rational approximation, relative error below 1.2e-9).
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`normalQuantile: p = ${p} is not between 0 and 1`);
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const horner = (k: number[], x: number) => k.reduce((sum, term) => sum * x + term, 0);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return horner(c, q) / (horner(d, q) * q + 1);
  }
  if (p > 1 - 0.02425) return -normalQuantile(1 - p);
  const q = p - 0.5;
  const r = q * q;
  return (horner(a, r) * q) / (horner(b, r) * r + 1);
}

// Wilson's score interval of a share (E. B. Wilson, 1927): sound for small counts and shares near 0 and 1.
export function wilson(successes: number, count: number, confidence = 0.95): Interval {
  if (count === 0) return { low: 0, high: 1 };
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const share = successes / count;
  const scale = 1 + (z * z) / count;
  const middle = (share + (z * z) / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return {
    low: successes === 0 ? 0 : Math.max(0, middle - half),
    high: successes === count ? 1 : Math.min(1, middle + half),
  };
}

function logFactorials(n: number): Float64Array {
  const table = new Float64Array(n + 1);
  for (let i = 2; i <= n; i += 1) table[i] = (table[i - 1] ?? 0) + Math.log(i);
  return table;
}

// Exact two-sided McNemar test: `onlyA` and `onlyB` count the rows that one model alone answered rightly.
export function mcNemarExact(onlyA: number, onlyB: number): number {
  const n = onlyA + onlyB;
  if (n === 0) return 1;
  const table = logFactorials(n);
  const at = (i: number) => table[i] ?? 0;
  let tail = 0;
  for (let i = 0; i <= Math.min(onlyA, onlyB); i += 1) tail += Math.exp(at(n) - at(i) - at(n - i) - n * Math.LN2);
  return Math.min(1, 2 * tail);
}

// mulberry32: 32 bits of state are plenty for resampling, and it is the same on every machine.
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Percentile bootstrap of the mean of paired differences: rows are drawn with replacement, both models together.
export function pairedBootstrap(
  differences: ArrayLike<number>,
  options: { seed?: number; resamples?: number; confidence?: number } = {},
): Interval & { mean: number } {
  const { seed = 20240607, resamples = 4000, confidence = 0.95 } = options;
  const n = differences.length;
  if (n === 0) return { mean: 0, low: 0, high: 0 };
  let total = 0;
  for (let i = 0; i < n; i += 1) total += differences[i] ?? 0;
  const random = seededRandom(seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r += 1) {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += differences[Math.floor(random() * n)] ?? 0;
    means[r] = sum / n;
  }
  means.sort();
  const tail = (1 - confidence) / 2;
  return { mean: total / n, low: quantileSorted(means, tail), high: quantileSorted(means, 1 - tail) };
}

// Linear interpolation between order statistics (Hyndman and Fan's type 7, the default of R and NumPy).
export function quantileSorted(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * Math.min(1, Math.max(0, p));
  const below = Math.floor(at);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  return low + (high - low) * (at - below);
}

export interface Summary {
  count: number;
  mean: number;
  standardDeviation: number;
  min: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

// Null for no values: a report says "not measured", it does not invent a zero.
export function summarise(values: readonly number[]): Summary | null {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  if (sorted.length === 0) return null;
  const mean = sorted.reduce((sum, v) => sum + v, 0) / sorted.length;
  const squares = sorted.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return {
    count: sorted.length,
    mean,
    standardDeviation: sorted.length > 1 ? Math.sqrt(squares / (sorted.length - 1)) : 0,
    min: quantileSorted(sorted, 0),
    p50: quantileSorted(sorted, 0.5),
    p90: quantileSorted(sorted, 0.9),
    p99: quantileSorted(sorted, 0.99),
    max: quantileSorted(sorted, 1),
  };
}

/** So many of the items, drawn by lottery; the same draw for the same random numbers. */
export function draw<T>(items: readonly T[], count: number, random: () => number): T[] {
  const pool = [...items];
  for (let i = 0; i < Math.min(count, pool.length); i += 1) {
    const j = i + Math.floor(random() * (pool.length - i));
    const [a, b] = [pool[i], pool[j]];
    if (a !== undefined && b !== undefined) [pool[i], pool[j]] = [b, a];
  }
  return pool.slice(0, count);
}
