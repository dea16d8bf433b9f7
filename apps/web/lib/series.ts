import type { MetricBucket, MetricName, MetricSeries } from "@anneal/contracts";

// The curves of one run as the page holds them: buckets from the server, live points appended behind. However long a run is
// watched, a series keeps at most `limit` points: when it is full, neighbours merge and keep their extremes, so spikes survive.
export class SeriesStore {
  private readonly series = new Map<MetricName, MetricBucket[]>();
  private listeners = new Set<() => void>();
  private version_ = 0;
  constructor(private readonly limit = 4000) {}

  // Changes with every change: what useSyncExternalStore compares.
  version = () => this.version_;
  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  names(): MetricName[] {
    return [...this.series.keys()];
  }
  points(name: MetricName): readonly MetricBucket[] {
    return this.series.get(name) ?? [];
  }
  last(name: MetricName): MetricBucket | null {
    return this.series.get(name)?.at(-1) ?? null;
  }

  // The server's buckets; live points that came in meanwhile and lie behind them are kept.
  load(loaded: readonly MetricSeries[]): void {
    for (const { name, points } of loaded) {
      const lastStep = points.at(-1)?.step ?? -1;
      const newer = (this.series.get(name) ?? []).filter((point) => point.step > lastStep);
      this.series.set(name, this.fit([...points, ...newer]));
    }
    this.changed();
  }

  // time: seconds since 1970, as in MetricBucket. A step that is already there is not doubled (a reconnect may repeat it).
  append(step: number, time: number, tokens: number, values: Partial<Record<MetricName, number>>): void {
    for (const [key, value] of Object.entries(values) as [MetricName, number][]) {
      if (!Number.isFinite(value)) continue;
      const points = this.series.get(key) ?? [];
      if (points.length > 0 && (points.at(-1)?.step ?? -1) >= step) continue;
      points.push({ step, time, tokens, min: value, max: value, mean: value, count: 1 });
      this.series.set(key, this.fit(points));
    }
    this.changed();
  }

  private fit(points: MetricBucket[]): MetricBucket[] {
    let fitted = points;
    while (fitted.length > this.limit) fitted = mergeNeighbours(fitted);
    return fitted;
  }

  private changed(): void {
    this.version_++;
    for (const listener of this.listeners) listener();
  }
}

export function mergeNeighbours(points: readonly MetricBucket[]): MetricBucket[] {
  const merged: MetricBucket[] = [];
  for (let i = 0; i < points.length; i += 2) {
    const a = points[i];
    const b = points[i + 1];
    if (!a) continue;
    if (!b) {
      merged.push(a);
      continue;
    }
    const count = a.count + b.count;
    merged.push({
      step: b.step,
      time: b.time,
      tokens: b.tokens,
      min: Math.min(a.min, b.min),
      max: Math.max(a.max, b.max),
      mean: (a.mean * a.count + b.mean * b.count) / count,
      count,
    });
  }
  return merged;
}
