// A Gaussian process over the unit cube: Matern 5/2 kernel with a scale for each axis, fitted by its posterior's maximum.
import { minimise } from "./lbfgs.ts";

/** Distances of an axis: the square of a difference, or 0 and 1 for categories. */
export type AxisKind = "numeric" | "category";

export interface Hyperparameters {
  /** Inverse squared length scale of each axis, then the kernel's variance and the noise's, all as logarithms. */
  logs: Float64Array;
}

const minNoise = 1e-6;

export interface Process {
  /** Mean and variance of the latent function; gradients by the point's coordinates where arrays are given. */
  predict(x: Float64Array, dMean?: Float64Array, dVariance?: Float64Array): { mean: number; variance: number };
  /** Means at the points of the data: what noise hides. */
  fitted(): Float64Array;
  hyperparameters: Hyperparameters;
  /** The same process with points whose values are not known yet, taken at the mean (kriging believer). */
  believing(points: Float64Array[]): Process;
}

export function fit(axes: AxisKind[], points: Float64Array[], values: Float64Array): Process {
  const start = (length: number, noise: number) =>
    Float64Array.from([...axes.map(() => Math.log(length)), 0, Math.log(noise)]);
  const starts = [start(1, 1e-3), start(8, 1e-2)];
  const distances = pairDistances(axes, points);
  const runs = starts.map((from) =>
    minimise(
      (logs, g) => negativeLogPosterior(axes.length, distances, values, logs, g),
      from,
      { low: -12, high: 8 },
      { iterations: 50, tolerance: 1e-4 },
    ),
  );
  const best = runs.reduce((a, b) => (b.value < a.value ? b : a));
  return posteriorOf(axes, points, values, { logs: best.x });
}

const difference = (kind: AxisKind, a: number, b: number) => (kind === "numeric" ? a - b : a === b ? 0 : 1);

/** Squared differences of all pairs i > j, axis by axis. */
function pairDistances(axes: AxisKind[], points: Float64Array[]): Float64Array[] {
  const n = points.length;
  return axes.map((kind, d) => {
    const out = new Float64Array((n * (n - 1)) / 2);
    for (let i = 1, at = 0; i < n; i++)
      for (let j = 0; j < i; j++, at++)
        out[at] = difference(kind, points[i]?.[d] as number, points[j]?.[d] as number) ** 2;
    return out;
  });
}

function matern(d2: number): { k: number; slope: number } {
  const r = Math.sqrt(5 * d2);
  const e = Math.exp(-r);
  return { k: (1 + r + (5 / 3) * d2) * e, slope: (-5 / 6) * (1 + r) * e };
}

function negativeLogPosterior(
  dimensions: number,
  distances: Float64Array[],
  values: Float64Array,
  logs: Float64Array,
  gradient: Float64Array,
): number {
  const n = values.length;
  const variance = Math.exp(logs[dimensions] as number);
  const noise = Math.exp(logs[dimensions + 1] as number) + minNoise;
  const inverse = distances.map((_, d) => Math.exp(logs[d] as number));
  const k = new Float64Array(n * n);
  const slopes = new Float64Array((n * (n - 1)) / 2);
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = 0; j < i; j++, at++) {
      let d2 = 0;
      for (let d = 0; d < dimensions; d++)
        d2 += (inverse[d] as number) * ((distances[d] as Float64Array)[at] as number);
      const m = matern(d2);
      k[i * n + j] = variance * m.k;
      slopes[at] = variance * m.slope;
    }
    k[i * n + i] = variance + noise;
  }
  const l = cholesky(k, n);
  if (!l) return Number.POSITIVE_INFINITY;
  const alpha = solve(l, n, values);
  const inv = inverseOf(l, n);
  let value = 0;
  for (let i = 0; i < n; i++)
    value += 0.5 * (values[i] as number) * (alpha[i] as number) + Math.log(l[i * n + i] as number);
  gradient.fill(0);
  let trace = 0;
  for (let i = 0, at = 0; i < n; i++) {
    const ai = alpha[i] as number;
    for (let j = 0; j < i; j++, at++) {
      const w = (inv[i * n + j] as number) - ai * (alpha[j] as number); // both halves of the symmetric sum: 2 * 0.5
      const ws = w * (slopes[at] as number);
      for (let d = 0; d < dimensions; d++)
        (gradient[d] as number) += ws * ((distances[d] as Float64Array)[at] as number) * (inverse[d] as number);
      (gradient[dimensions] as number) += w * (k[i * n + j] as number);
    }
    const w = 0.5 * ((inv[i * n + i] as number) - ai * ai);
    (gradient[dimensions] as number) += w * variance;
    trace += w;
  }
  (gradient[dimensions + 1] as number) += trace * (noise - minNoise);
  // Priors: length scales near the cube's size, Gamma(2, 1) on the variance, little noise.
  for (let d = 0; d < dimensions; d++) {
    const x = inverse[d] as number;
    value += 0.1 / x + 0.1 * x;
    (gradient[d] as number) += -0.1 / x + 0.1 * x;
  }
  value += variance - Math.log(variance);
  (gradient[dimensions] as number) += variance - 1;
  value += 20 * noise - 0.1 * Math.log(noise);
  (gradient[dimensions + 1] as number) += (20 - 0.1 / noise) * (noise - minNoise);
  return value;
}

export function posteriorOf(
  axes: AxisKind[],
  points: Float64Array[],
  values: Float64Array,
  hyperparameters: Hyperparameters,
): Process {
  const n = points.length;
  const { logs } = hyperparameters;
  const inverse = axes.map((_, d) => Math.exp(logs[d] as number));
  const variance = Math.exp(logs[axes.length] as number);
  const noise = Math.exp(logs[axes.length + 1] as number) + minNoise;
  const squared = (a: Float64Array, b: Float64Array) => {
    let d2 = 0;
    for (let d = 0; d < axes.length; d++)
      d2 += (inverse[d] as number) * difference(axes[d] as AxisKind, a[d] as number, b[d] as number) ** 2;
    return d2;
  };
  const k = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++)
      k[i * n + j] = variance * matern(squared(points[i] as Float64Array, points[j] as Float64Array)).k;
    k[i * n + i] = variance + noise;
  }
  const l = cholesky(k, n) ?? fail();
  const alpha = solve(l, n, values);
  const cross = new Float64Array(n);
  const slope = new Float64Array(n);
  const self: Process = {
    hyperparameters,
    predict(x, dMean, dVariance) {
      let mean = 0;
      for (let i = 0; i < n; i++) {
        const m = matern(squared(x, points[i] as Float64Array));
        cross[i] = variance * m.k;
        slope[i] = variance * m.slope;
        mean += (cross[i] as number) * (alpha[i] as number);
      }
      const half = forwards(l, n, cross);
      const rest = variance - half.reduce((a, b) => a + b * b, 0);
      if (dMean && dVariance) {
        const v = backwards(l, n, half);
        dMean.fill(0);
        dVariance.fill(0);
        for (let d = 0; d < axes.length; d++) {
          if (axes[d] === "category") continue;
          for (let i = 0; i < n; i++) {
            const dk =
              (slope[i] as number) *
              2 *
              (inverse[d] as number) *
              ((x[d] as number) - ((points[i] as Float64Array)[d] as number));
            (dMean[d] as number) += dk * (alpha[i] as number);
            (dVariance[d] as number) -= 2 * dk * (v[i] as number);
          }
        }
      }
      return { mean, variance: Math.max(rest, 1e-12) };
    },
    fitted: () => Float64Array.from(points, (p) => self.predict(p).mean),
    believing(more) {
      if (more.length === 0) return self;
      const means = more.map((p) => self.predict(p).mean);
      return posteriorOf(axes, [...points, ...more], Float64Array.from([...values, ...means]), hyperparameters);
    },
  };
  return self;
}

const fail = (): never => {
  throw new Error("the kernel matrix is not positive definite");
};

/** Lower triangle of the factor, row by row; null where the matrix is not positive definite. */
function cholesky(k: Float64Array, n: number): Float64Array | null {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = k[i * n + j] as number;
      for (let m = 0; m < j; m++) sum -= (l[i * n + m] as number) * (l[j * n + m] as number);
      if (i === j) {
        if (!(sum > 0)) return null;
        l[i * n + i] = Math.sqrt(sum);
      } else l[i * n + j] = sum / (l[j * n + j] as number);
    }
  }
  return l;
}

function forwards(l: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = b[i] as number;
    for (let j = 0; j < i; j++) sum -= (l[i * n + j] as number) * (x[j] as number);
    x[i] = sum / (l[i * n + i] as number);
  }
  return x;
}

function backwards(l: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = b.slice();
  for (let i = n - 1; i >= 0; i--) {
    x[i] = (x[i] as number) / (l[i * n + i] as number);
    for (let j = 0; j < i; j++) (x[j] as number) -= (l[i * n + j] as number) * (x[i] as number);
  }
  return x;
}

const solve = (l: Float64Array, n: number, b: Float64Array) => backwards(l, n, forwards(l, n, b));

/** The inverse's lower triangle: of the factor first, then its transpose times itself. */
function inverseOf(l: Float64Array, n: number): Float64Array {
  const m = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    m[j * n + j] = 1 / (l[j * n + j] as number);
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= (l[i * n + k] as number) * (m[k * n + j] as number);
      m[i * n + j] = sum / (l[i * n + i] as number);
    }
  }
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++)
    for (let i = 0; i <= k; i++) {
      const v = m[k * n + i] as number;
      for (let j = 0; j <= i; j++) (out[i * n + j] as number) += v * (m[k * n + j] as number);
    }
  return out;
}
