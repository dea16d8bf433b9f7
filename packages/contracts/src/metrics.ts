import { z } from "zod";
import { AdapterName } from "./spec/adapter-ref.ts";

// The live series of a run, with their units. A point is (run, step, name); values are finite numbers.
export const metricCatalogue = {
  "train/loss": { unit: "nats", group: "loss" },
  "train/loss_ema": { unit: "nats", group: "loss" },
  "train/perplexity": { unit: "", group: "loss" },
  "train/divergence": { unit: "nats", group: "loss" },
  "train/reward_margin": { unit: "", group: "loss" },
  "train/router_aux": { unit: "", group: "loss" },
  "train/expert_load_max": { unit: "", group: "quality" },
  "train/expert_load_min": { unit: "", group: "quality" },
  "train/reward_accuracy": { unit: "share", group: "quality" },
  "eval/loss": { unit: "nats", group: "loss" },
  "eval/perplexity": { unit: "", group: "loss" },
  "eval/exact_match": { unit: "share", group: "quality" },
  "eval/token_accuracy": { unit: "share", group: "quality" },
  "eval/reward_margin": { unit: "", group: "quality" },
  "eval/reward_accuracy": { unit: "share", group: "quality" },
  "optim/learning_rate": { unit: "", group: "optimizer" },
  "optim/grad_norm": { unit: "", group: "optimizer" },
  "optim/grad_norm_clipped": { unit: "", group: "optimizer" },
  "optim/clipped": { unit: "0/1", group: "optimizer" },
  "optim/loss_scale": { unit: "", group: "optimizer" },
  "optim/skipped": { unit: "0/1", group: "optimizer" },
  "speed/tokens_per_second": { unit: "tokens/s", group: "speed" },
  "speed/supervised_tokens_per_second": { unit: "tokens/s", group: "speed" },
  "speed/rows_per_second": { unit: "rows/s", group: "speed" },
  "speed/step_seconds": { unit: "s", group: "speed" },
  "speed/forward_seconds": { unit: "s", group: "speed" },
  "speed/backward_seconds": { unit: "s", group: "speed" },
  "speed/optimizer_seconds": { unit: "s", group: "speed" },
  "data/epoch": { unit: "epochs", group: "data" },
  "data/tokens_seen": { unit: "tokens", group: "data" },
  "data/supervised_tokens": { unit: "tokens", group: "data" },
  "data/rows_seen": { unit: "rows", group: "data" },
  "data/packing_efficiency": { unit: "share", group: "data" },
  "data/micro_batches": { unit: "", group: "data" },
  "memory/rss_bytes": { unit: "bytes", group: "memory" },
  "memory/peak_rss_bytes": { unit: "bytes", group: "memory" },
  "memory/planned_bytes": { unit: "bytes", group: "memory" },
  "memory/arena_peak_bytes": { unit: "bytes", group: "memory" },
  "machine/cpu_share": { unit: "share", group: "machine" },
  "machine/free_memory_bytes": { unit: "bytes", group: "machine" },
  "machine/disk_free_bytes": { unit: "bytes", group: "machine" },
} as const;
type CatalogueName = keyof typeof metricCatalogue;
export const metricNames = Object.keys(metricCatalogue) as [CatalogueName, ...CatalogueName[]];

/** Series that each of several adapters side by side has for itself, as SERIES@ADAPTER. */
export const adapterSeries = [
  "train/loss",
  "train/router_aux",
  "eval/loss",
  "eval/exact_match",
  "eval/token_accuracy",
  "optim/learning_rate",
  "optim/grad_norm",
] as const satisfies readonly CatalogueName[];
export type AdapterSeries = (typeof adapterSeries)[number];
export type AdapterMetricName = `${AdapterSeries}@${string}`;
export type MetricName = CatalogueName | AdapterMetricName;
export const MetricNameSchema = z.union([
  z.enum(metricNames),
  z.templateLiteral([z.enum(adapterSeries), "@", AdapterName]),
]);

export const adapterMetric = (series: AdapterSeries, adapter: string): AdapterMetricName => `${series}@${adapter}`;

/** The series of the catalogue that a name belongs to, and whose it is; null: the run's own. */
export function metricOf(name: MetricName): { series: CatalogueName; adapter: string | null } {
  const at = name.indexOf("@");
  if (at < 0) return { series: name as CatalogueName, adapter: null };
  return { series: name.slice(0, at) as CatalogueName, adapter: name.slice(at + 1) };
}

// One drawn bucket: so that spikes survive thinning, every bucket carries its extremes.
export const MetricBucket = z.object({
  step: z.number(),
  time: z.number(),
  tokens: z.number(),
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  count: z.int(),
});
export type MetricBucket = z.infer<typeof MetricBucket>;
export const MetricSeries = z.object({ name: MetricNameSchema, points: z.array(MetricBucket) });
export type MetricSeries = z.infer<typeof MetricSeries>;
