import { countSteps, type RunSpec } from "@anneal/contracts";
import type { MicroBatch } from "@anneal/engine";
import { buildMicroBatch, dataOrder, planStep, type Shard } from "@anneal/text";

/** Rows of a shard as micro-batches in the order given. */
export function microBatches(
  shard: Shard,
  rows: readonly number[],
  spec: RunSpec,
): { rows: number[]; batch: MicroBatch }[] {
  const lengths = rows.map((row) => shard.length(row));
  const { microBatchTokens, packing } = spec;
  return planStep(lengths, { microBatchTokens, packing }).map((positions) => {
    const chosen = positions.map((position) => rows[position] ?? 0);
    return { rows: chosen, batch: buildMicroBatch(shard, chosen) };
  });
}

/** Which rows each optimizer step takes: a pure function of seed, epoch and position. */
export class DataPlan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  private order: { epoch: number; rows: Uint32Array } | null = null;

  constructor(
    private readonly rows: Uint32Array, // of the shard, those that are trained
    private readonly spec: Pick<RunSpec, "batchRows" | "epochs" | "maxSteps" | "seed">,
  ) {
    const { stepsPerEpoch, totalSteps } = countSteps({ rows: rows.length, ...spec });
    this.stepsPerEpoch = stepsPerEpoch;
    this.totalSteps = totalSteps;
  }

  /** Rows of the 0-based step; the last step of an epoch may have fewer. */
  rowsOf(step: number): number[] {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (this.order?.epoch !== epoch) this.order = { epoch, rows: dataOrder(this.rows.length, this.spec.seed, epoch) };
    const from = (step % this.stepsPerEpoch) * this.spec.batchRows;
    const positions = this.order.rows.subarray(from, from + this.spec.batchRows);
    return Array.from(positions, (position) => this.rows[position] ?? 0);
  }

  /** Epochs done after `steps` steps. */
  epochs(steps: number): number {
    return steps / this.stepsPerEpoch;
  }
}
