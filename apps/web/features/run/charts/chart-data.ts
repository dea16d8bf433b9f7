import { type MetricBucket, type MetricName, metricCatalogue, metricOf } from "@anneal/contracts";
import { ema } from "../../../lib/ema.ts";

export const xAxes = ["step", "time", "tokens"] as const;
export type XAxis = (typeof xAxes)[number];

export interface Column {
  name: MetricName;
  role: "max" | "min" | "raw" | "line"; // max and min bound the band; raw is drawn thin behind the smoothed line
  values: (number | null)[];
}
export interface ChartData {
  x: number[];
  columns: Column[];
  // The bucket drawn at x[i] of a series; what the legend reads.
  at: Map<MetricName, (MetricBucket | null)[]>;
}

// Exact already, or an average itself: a moving average would only bend them.
const isExact = (name: MetricName) => {
  const { series } = metricOf(name);
  return exact.test(series) || metricCatalogue[series].unit === "0/1";
};
const exact = /^(eval\/|data\/|train\/loss_ema$|optim\/learning_rate$|memory\/planned_bytes$)/;

const xOf = (point: MetricBucket, axis: XAxis, startSeconds: number) =>
  axis === "step" ? point.step : axis === "tokens" ? point.tokens : point.time - startSeconds;

// Lays series over one axis. startSeconds: where the time axis begins. log: what a logarithm cannot show is left out.
export function chartData(
  series: readonly { name: MetricName; points: readonly MetricBucket[] }[],
  options: { axis: XAxis; startSeconds: number; smoothing: number; log: boolean },
): ChartData {
  const { axis, startSeconds, smoothing, log } = options;
  const places = new Set<number>();
  for (const { points } of series) for (const point of points) places.add(xOf(point, axis, startSeconds));
  const x = [...places].sort((a, b) => a - b);
  const index = new Map(x.map((place, i) => [place, i]));
  const shown = (value: number) => (Number.isFinite(value) && !(log && value <= 0) ? value : null);

  const columns: Column[] = [];
  const at: ChartData["at"] = new Map();
  for (const { name, points } of series) {
    const row: (MetricBucket | null)[] = new Array<MetricBucket | null>(x.length).fill(null);
    for (const point of points) {
      const i = index.get(xOf(point, axis, startSeconds));
      // Two points at one place (tokens may stand still): the later one is drawn, with the extremes of both.
      if (i !== undefined) row[i] = merged(row[i] ?? null, point);
    }
    at.set(name, row);
    const means = row.map((point) => (point ? shown(point.mean) : null));
    const smooth = smoothing > 0 && points.length > 2 && !isExact(name);
    if (row.some((point) => point && point.max > point.min)) {
      columns.push({ name, role: "max", values: row.map((point) => (point ? shown(point.max) : null)) });
      columns.push({ name, role: "min", values: row.map((point) => (point ? shown(point.min) : null)) });
    }
    if (smooth) columns.push({ name, role: "raw", values: means });
    columns.push({ name, role: "line", values: smooth ? ema(means, smoothing) : means });
  }
  return { x, columns, at };
}

function merged(first: MetricBucket | null, second: MetricBucket): MetricBucket {
  return first ? { ...second, min: Math.min(first.min, second.min), max: Math.max(first.max, second.max) } : second;
}

// What a chart says to someone who does not see it.
export function summaryOf(points: readonly MetricBucket[]) {
  const last = points.at(-1);
  if (!last) return null;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    low = Math.min(low, point.min);
    high = Math.max(high, point.max);
  }
  return { step: last.step, value: last.mean, low, high };
}
