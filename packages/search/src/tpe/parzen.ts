import type { SearchParameter, SearchPoint, SearchValue } from "@anneal/contracts";
import { logInterval, truncated } from "../normal.ts";
import type { Random } from "../random.ts";
import { type CategoricalParameter, fromRange, type NumericParameter, range, toRange } from "../space.ts";

/** A mixture of kernels over some parameters, one kernel a trial and one of the prior; all parameters share the mixture. */
export interface Parzen {
  draw(rng: Random): SearchPoint;
  logDensity(point: SearchPoint): number;
}

interface Axis {
  draw(kernel: number, rng: Random): SearchValue;
  /** Log density of the value under each kernel, added to `into`. */
  add(value: SearchValue, into: Float64Array): void;
}

/**
 * Parzen estimator as in Optuna's multivariate TPE (docs of optuna.samplers.TPESampler): Scott's bandwidths, never narrower
 * than the range over the number of kernels ("magic clip"), a prior kernel over the whole range.
 */
export function parzen(parameters: [string, SearchParameter][], points: SearchPoint[], weights: number[]): Parzen {
  const kernels = points.length + 1;
  const total = weights.reduce((a, b) => a + b, 0) + 1;
  const logWeights = Float64Array.from([...weights, 1], (w) => Math.log(w / total));
  const axes = parameters.map(([name, p]): [string, Axis] => {
    const values = points.map((point) => point[name] as SearchValue);
    return [
      name,
      p.kind === "categorical" ? categorical(p, values) : numeric(p, values as number[], parameters.length),
    ];
  });
  const sums = new Float64Array(kernels);
  return {
    draw(rng) {
      let u = rng.next() * total;
      let kernel = 0;
      while (kernel < kernels - 1 && u >= (weights[kernel] as number)) u -= weights[kernel++] as number;
      return Object.fromEntries(axes.map(([name, axis]) => [name, axis.draw(kernel, rng)]));
    },
    logDensity(point) {
      sums.set(logWeights);
      for (const [name, axis] of axes) axis.add(point[name] as SearchValue, sums);
      const most = sums.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      return most + Math.log(sums.reduce((a, b) => a + Math.exp(b - most), 0));
    },
  };
}

function numeric(p: NumericParameter, values: number[], dimensions: number): Axis {
  const { low, high } = range(p);
  const width = high - low || 1;
  const count = Math.max(values.length, 1);
  const deviation = Math.max(
    0.2 * count ** (-1 / (dimensions + 4)) * width,
    width / Math.min(100, 1 + values.length + 1),
  );
  const means = [...values.map((v) => toRange(p, v)), (low + high) / 2];
  const deviations = [...values.map(() => Math.min(deviation, width)), width];
  const mass = means.map((m, k) => {
    const s = deviations[k] as number;
    return logInterval((low - m) / s, (high - m) / s);
  });
  const half = p.step === null ? 0 : p.step / 2;
  return {
    draw: (k, rng) => fromRange(p, truncated(rng.next(), means[k] as number, deviations[k] as number, low, high)),
    add(value, into) {
      if (high === low) return;
      const plain = value as number;
      const x = toRange(p, plain);
      const from = half > 0 ? (p.log ? Math.log(Math.max(plain - half, Math.exp(low))) : plain - half) : 0;
      const to = half > 0 ? (p.log ? Math.log(plain + half) : plain + half) : 0;
      for (let k = 0; k < means.length; k++) {
        const s = deviations[k] as number;
        const m = means[k] as number;
        const log =
          half > 0
            ? logInterval((from - m) / s, (to - m) / s)
            : -0.5 * ((x - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
        (into[k] as number) += log - (mass[k] as number);
      }
    },
  };
}

function categorical(p: CategoricalParameter, values: SearchValue[]): Axis {
  const n = p.choices.length;
  const prior = 1 / (values.length + 1);
  const rows = [...values.map((v) => p.choices.indexOf(v)), -1].map((chosen) => {
    const weights = p.choices.map((_, i) => prior + (i === chosen ? 1 : 0));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / sum);
  });
  return {
    draw(k, rng) {
      let u = rng.next();
      const row = rows[k] as number[];
      for (let i = 0; i < n; i++) {
        u -= row[i] as number;
        if (u < 0) return p.choices[i] as SearchValue;
      }
      return p.choices[n - 1] as SearchValue;
    },
    add(value, into) {
      const i = p.choices.indexOf(value);
      rows.forEach((row, k) => {
        (into[k] as number) += Math.log(row[i] as number);
      });
    },
  };
}
