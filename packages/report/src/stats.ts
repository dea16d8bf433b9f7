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

/** Two-sided quantile of Student's t: the t that a share `outside` of the distribution lies beyond (G. W. Hill, 1970). */
export function tQuantile(outside: number, freedom: number): number {
  if (freedom < 1 || !(outside > 0 && outside < 1)) throw new RangeError(`tQuantile(${outside}, ${freedom})`);
  if (freedom === 1) return 1 / Math.tan((outside * Math.PI) / 2);
  if (freedom === 2) return Math.sqrt(2 / (outside * (2 - outside)) - 2);
  const a = 1 / (freedom - 0.5);
  const b = 48 / (a * a);
  let c = (((20700 * a) / b - 98) * a - 16) * a + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * freedom;
  let y = (d * outside) ** (2 / freedom);
  if (y > 0.05 + a) {
    const x = normalQuantile(outside / 2);
    y = x * x;
    if (freedom < 5) c += 0.3 * (freedom - 4.5) * (x + 0.6);
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else
    y =
      ((1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3) + 0.5 / (freedom + 4)) * y - 1) *
        ((freedom + 1) / (freedom + 2)) +
      1 / y;
  return Math.sqrt(freedom * y);
}

/**
 * Difference of two shares over the same rows (Bonett and Price, 2012): `lost` and `gained` are the rows that changed. Rows of which none
 * changed still leave an interval, where a bootstrap would claim certainty.
 */
export function pairedShares(
  lost: number,
  gained: number,
  count: number,
  confidence = 0.95,
): Interval & { mean: number } {
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const [down, up] = [(lost + 1) / (count + 2), (gained + 1) / (count + 2)];
  const half = z * Math.sqrt((up + down - (up - down) ** 2) / (count + 2));
  return {
    mean: (gained - lost) / count,
    low: Math.max(-1, up - down - half),
    high: Math.min(1, up - down + half),
  };
}

/** The smallest difference of shares that McNemar's test would have found, beside as many changes to the other side. */
export function smallestShown(against: number, count: number, significance: number): number | null {
  for (let changed = against + 1; changed + against <= count; changed += 1)
    if (mcNemarExact(against, changed) < significance) return (changed - against) / count;
  return null;
}

/** Mean of paired differences with Student's interval; of a single row nothing is known. */
export function pairedMeans(differences: readonly number[], confidence = 0.95): Interval & { mean: number } {
  const n = differences.length;
  const mean = differences.reduce((sum, value) => sum + value, 0) / Math.max(1, n);
  if (n < 2) return { mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const squares = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = tQuantile(1 - confidence, n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { mean, low: mean - half, high: mean + half };
}

/** A row's losses, summed over its tokens. */
export interface LossRow {
  base: number;
  tuned: number;
  tokens: number;
}

/**
 * Losses before and after as training counts them, the mean over all tokens, and their difference (before minus after) with an interval
 * over rows: of a ratio of sums, by its linearisation.
 */
export function pairedLoss(rows: readonly LossRow[], confidence = 0.95) {
  const total = (pick: (row: LossRow) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
  const tokens = total((row) => row.tokens);
  const [base, tuned] = [total((row) => row.base) / tokens, total((row) => row.tuned) / tokens];
  const difference = base - tuned;
  const scale = rows.length / tokens;
  const spread = pairedMeans(
    rows.map((row) => (row.base - row.tuned - difference * row.tokens) * scale),
    confidence,
  );
  return { base, tuned, tokens, difference, low: difference + spread.low, high: difference + spread.high };
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
  p1: number;
  p10: number;
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
    p1: quantileSorted(sorted, 0.01),
    p10: quantileSorted(sorted, 0.1),
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
