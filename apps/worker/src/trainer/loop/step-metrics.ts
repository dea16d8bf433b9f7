import { adapterMetric, type MetricName } from "@anneal/contracts";
import type { SessionMemory, StepResult } from "@anneal/engine";

type Metrics = Partial<Record<MetricName, number>>;

/** The rates of a step: the run's, and of adapters side by side each one's own, in their order. */
export interface StepRates {
  learningRate: number;
  adapters: number[];
}

export interface StepFacts {
  result: StepResult;
  rates: StepRates;
  clipNorm: number;
  lossEma: number;
  epochs: number;
  tokensSeen: number;
  rowsSeen: number;
  rows: number;
  microBatches: number;
  microBatchTokens: number;
  seconds: number;
  memory: SessionMemory;
  cpuShare: number;
  freeMemoryBytes: number;
  diskFreeBytes: number;
}

/** A step that overflowed has no gradient norm; it says so instead. */
function gradientMetrics(result: StepResult, clipNorm: number): Metrics {
  const { gradNorm, skipped } = result;
  const clips = clipNorm > 0 && gradNorm > clipNorm;
  return {
    ...(skipped
      ? {}
      : {
          "optim/grad_norm": gradNorm,
          "optim/grad_norm_clipped": clips ? clipNorm : gradNorm,
          "optim/clipped": clips ? 1 : 0,
        }),
    ...scaleMetrics(result),
  };
}
function scaleMetrics({ lossScale, skipped }: Pick<StepResult, "lossScale" | "skipped">): Metrics {
  return lossScale === undefined ? {} : { "optim/loss_scale": lossScale, "optim/skipped": skipped ? 1 : 0 };
}

/** The engine's names of what an objective measures beside its loss. */
const objectiveNames: Record<string, MetricName> = {
  divergence: "train/divergence",
  rewardMargin: "train/reward_margin",
  rewardAccuracy: "train/reward_accuracy",
  routerAux: "train/router_aux",
  expertLoadMax: "train/expert_load_max",
  expertLoadMin: "train/expert_load_min",
};
function objectiveMetrics({ metrics }: StepResult): Metrics {
  const values: Metrics = {};
  // Losses over pairs have no perplexity; beside a penalty or a teacher it is that of the answers alone.
  if (metrics.nll !== undefined) values["train/perplexity"] = Math.exp(metrics.nll);
  for (const [name, value] of Object.entries(metrics)) {
    // Before the first update both answers are rewarded alike: none is ranked right, and none wrong.
    if (name === "rewardAccuracy" && metrics.rewardMargin === 0) continue;
    const known = objectiveNames[name];
    if (known && Number.isFinite(value)) values[known] = value;
  }
  return values;
}

/** Adapters side by side have rates and gradients of their own; a run of one adapter, or of the whole model, has one of each. */
function updateMetrics({ result, rates, clipNorm }: StepFacts): Metrics {
  const { adapters = [] } = result;
  if (adapters.length === 0) return { ...gradientMetrics(result, clipNorm), "optim/learning_rate": rates.learningRate };
  const values: Metrics = scaleMetrics(result);
  for (const [i, { name, loss, gradNorm, supervisedTokens, routerAux }] of adapters.entries()) {
    if (supervisedTokens === 0) continue; // its rows carry no loss in this step: it rests
    values[adapterMetric("train/loss", name)] = loss;
    if (routerAux !== undefined) values[adapterMetric("train/router_aux", name)] = routerAux;
    values[adapterMetric("optim/learning_rate", name)] = rates.adapters[i] ?? 0;
    if (!result.skipped) values[adapterMetric("optim/grad_norm", name)] = gradNorm;
  }
  return values;
}

/** One step's series, under the names of the metric catalogue. */
export function stepMetrics(f: StepFacts): Metrics {
  const { result } = f;
  return {
    ...updateMetrics(f),
    ...objectiveMetrics(result),
    "train/loss": result.loss,
    "train/loss_ema": f.lossEma,
    "speed/tokens_per_second": result.tokens / f.seconds,
    "speed/supervised_tokens_per_second": result.supervisedTokens / f.seconds,
    "speed/rows_per_second": f.rows / f.seconds,
    "speed/step_seconds": f.seconds,
    "speed/forward_seconds": result.phases.forward,
    "speed/backward_seconds": result.phases.backward,
    "speed/optimizer_seconds": result.phases.optimizer,
    "data/epoch": f.epochs,
    "data/tokens_seen": f.tokensSeen,
    "data/supervised_tokens": result.supervisedTokens,
    "data/rows_seen": f.rowsSeen,
    "data/packing_efficiency": result.tokens / (f.microBatches * f.microBatchTokens),
    "data/micro_batches": f.microBatches,
    "memory/rss_bytes": f.memory.rssBytes,
    "memory/peak_rss_bytes": f.memory.peakRssBytes,
    "memory/planned_bytes": f.memory.plannedBytes,
    "memory/arena_peak_bytes": f.memory.arenaPeakBytes,
    "machine/cpu_share": f.cpuShare,
    "machine/free_memory_bytes": f.freeMemoryBytes,
    "machine/disk_free_bytes": f.diskFreeBytes,
  };
}
