import { adapterSeries, type MetricName, metricCatalogue, metricNames, metricOf } from "@anneal/contracts";

export type MetricGroup = (typeof metricCatalogue)[keyof typeof metricCatalogue]["group"];
export const metricGroups: readonly MetricGroup[] = [
  "loss",
  "quality",
  "optimizer",
  "speed",
  "memory",
  "data",
  "machine",
];

// A chart: one series, or some of one unit that are read together. `title` is a key of run.chart; without it the series' own name serves.
export interface ChartSpec {
  id: string;
  title: string | null;
  group: MetricGroup;
  unit: string;
  names: readonly MetricName[];
}

const together: readonly { id: string; names: readonly MetricName[] }[] = [
  { id: "loss", names: ["train/loss", "eval/loss"] },
  { id: "perplexity", names: ["train/perplexity", "eval/perplexity"] },
  { id: "quality", names: ["eval/exact_match", "eval/token_accuracy"] },
  { id: "margin", names: ["train/reward_margin", "eval/reward_margin"] },
  { id: "ranked", names: ["train/reward_accuracy", "eval/reward_accuracy"] },
  { id: "expertLoad", names: ["train/expert_load_max", "train/expert_load_min"] },
  { id: "gradient", names: ["optim/grad_norm", "optim/grad_norm_clipped"] },
  { id: "speed", names: ["speed/tokens_per_second", "speed/supervised_tokens_per_second"] },
  { id: "parts", names: ["speed/forward_seconds", "speed/backward_seconds", "speed/optimizer_seconds"] },
  {
    id: "memory",
    names: ["memory/rss_bytes", "memory/peak_rss_bytes", "memory/planned_bytes", "memory/arena_peak_bytes"],
  },
];

// What a series is called where its chart's title stands beside it; `words` knows the catalogue's names.
export function seriesLabel(name: MetricName, words: (series: string) => string): string {
  const { series, adapter } = metricOf(name);
  return adapter ?? words(series);
}

// The charts for the series that a run has, in the catalogue's order; every series is in exactly one. Where adapters train side by
// side, each of their series is one chart with a line for every adapter.
export function chartsOf(present: readonly MetricName[]): ChartSpec[] {
  const has = new Set(present);
  const drawn = new Set<MetricName>();
  const charts: ChartSpec[] = [];
  for (const name of metricNames) {
    if (!has.has(name) || drawn.has(name)) continue;
    const set = together.find(({ names }) => names.includes(name));
    const names = set ? set.names.filter((member) => has.has(member)) : [name];
    for (const member of names) drawn.add(member);
    const { unit, group } = metricCatalogue[name];
    charts.push({ id: set?.id ?? name, title: set?.id ?? null, group, unit, names });
  }
  for (const series of adapterSeries) {
    const names = present.filter((name) => metricOf(name).series === series && metricOf(name).adapter !== null);
    if (names.length === 0) continue;
    const { unit, group } = metricCatalogue[series];
    charts.push({ id: `adapters ${series}`, title: `adapters.${series}`, group, unit, names });
  }
  return charts;
}
