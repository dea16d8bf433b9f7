import { countSteps, isPreference, type Phrase, type RunSpec } from "@anneal/contracts";
import type { MicroBatch } from "@anneal/engine";
import { buildMicroBatch, dataOrder, planStep, type Shard } from "@anneal/text";
import { groupByLength } from "./length-groups.ts";
import type { TeacherRows } from "./teacher-rows.ts";

// An example is what one row of a dataset becomes: one sequence of the shard, or two where preferences are trained (the chosen
// answer, then the rejected one; for KTO the answer, then what measures). Examples are numbered; 2e and 2e + 1 are those of e.
export type Sequences = 1 | 2;

export const sequencesOf = (example: number, sequences: Sequences): number[] =>
  sequences === 1 ? [example] : [2 * example, 2 * example + 1];

export const exampleLength = (shard: Shard, example: number, sequences: Sequences): number =>
  sequencesOf(example, sequences).reduce((sum, row) => sum + shard.length(row), 0);

/** Examples of a shard as micro-batches in the order given; those of an example stay together. */
export function microBatches(
  shard: Shard,
  examples: readonly number[],
  spec: Pick<RunSpec, "microBatchTokens" | "packing" | "objective">,
  sequences: Sequences = 1,
  teacher: Pick<TeacherRows, "attach"> | null = null,
): { rows: number[]; batch: MicroBatch }[] {
  const lengths = examples.map((example) => exampleLength(shard, example, sequences));
  const { microBatchTokens, packing } = spec;
  return planStep(lengths, { microBatchTokens, packing }).map((positions) => {
    const chosen = positions.map((position) => examples[position] ?? 0);
    const rows = chosen.flatMap((example) => sequencesOf(example, sequences));
    const batch: MicroBatch = buildMicroBatch(shard, rows);
    if (isPreference(spec.objective.kind)) batch.preference = Int8Array.from(rows, (row) => shard.mark(row) ?? 0);
    return { rows: chosen, batch: teacher ? teacher.attach(batch, chosen) : batch };
  });
}

type PlanSpec = Pick<RunSpec, "batchRows" | "epochs" | "maxSteps" | "seed" | "lengthGrouping">;

/** Which examples each optimizer step takes: a pure function of seed, epoch, position and lengths. */
export class DataPlan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly note: Phrase | null; // what ends training, where two settings say it
  private order: { epoch: number; rows: Uint32Array } | null = null;

  constructor(
    private readonly rows: Uint32Array, // examples of the shard, those that are trained
    private readonly spec: PlanSpec,
    private readonly lengthOf: (row: number) => number = () => 0,
  ) {
    const { stepsPerEpoch, totalSteps, note } = countSteps({ rows: rows.length, ...spec });
    this.stepsPerEpoch = stepsPerEpoch;
    this.totalSteps = totalSteps;
    this.note = note;
  }

  /** Examples of the 0-based step; the last step of an epoch may have fewer. */
  rowsOf(step: number): number[] {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (this.order?.epoch !== epoch) this.order = { epoch, rows: this.orderOf(epoch) };
    const from = (step % this.stepsPerEpoch) * this.spec.batchRows;
    return Array.from(this.order.rows.subarray(from, from + this.spec.batchRows));
  }

  private orderOf(epoch: number): Uint32Array {
    const { seed, batchRows, lengthGrouping } = this.spec;
    const shuffled = dataOrder(this.rows.length, seed, epoch).map((position) => this.rows[position] ?? 0);
    return lengthGrouping ? groupByLength(shuffled, this.lengthOf, batchRows, seed + epoch) : shuffled;
  }

  /** Epochs done after `steps` steps. */
  epochs(steps: number): number {
    return steps / this.stepsPerEpoch;
  }
}
