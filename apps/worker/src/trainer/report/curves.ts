import { type AdapterSeries, type MetricName, metricCatalogue, metricOf } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";
import { readJournal } from "../../run-directory/journal-file.ts";

type Curve = NonNullable<ReportInput["curves"]>[number];

const shown: MetricName[] = [
  "train/loss",
  "eval/loss",
  "eval/exact_match",
  "train/divergence",
  "train/reward_margin",
  "eval/reward_margin",
  "eval/reward_accuracy",
  "train/router_aux",
  "train/expert_load_max",
  "train/expert_load_min",
  "optim/learning_rate",
  "optim/grad_norm",
  "speed/tokens_per_second",
];
const ofAdapters: readonly string[] = ["train/loss", "train/router_aux", "eval/loss"] satisfies AdapterSeries[];
const isShown = (name: MetricName) => {
  const { series, adapter } = metricOf(name);
  return adapter === null ? shown.includes(name) : ofAdapters.includes(series);
};
const atMostPoints = 600;

/** The run's curves out of its own journal, thinned to what a page can show; the last point always stays. */
export async function readCurves(runDirectory: string, attempt: number): Promise<Curve[]> {
  const series = new Map<MetricName, Map<number, number>>();
  for await (const { body } of readJournal(runDirectory, { attempt })) {
    if (body.type !== "metrics") continue;
    for (const [key, value] of Object.entries(body.values)) {
      const name = key as MetricName;
      if (!isShown(name) || value === undefined || !Number.isFinite(value)) continue;
      const points = series.get(name) ?? new Map<number, number>();
      points.set(body.step, value);
      series.set(name, points);
    }
  }
  const single = [...series.keys()].filter((name) => !shown.includes(name));
  return [...shown, ...single].flatMap((name) => {
    const points = [...(series.get(name) ?? [])].sort(([a], [b]) => a - b);
    if (points.length === 0) return [];
    const every = Math.ceil(points.length / atMostPoints);
    const kept = points.filter((_, i) => i % every === 0 || i === points.length - 1);
    return [{ name, unit: metricCatalogue[metricOf(name).series].unit, points: kept }];
  });
}
