import { adaptersOf, type Phrase, type RunSpec } from "@anneal/contracts";
import type { MicroBatch } from "@anneal/engine";
import { DataPlan, exampleLength, microBatches } from "../prepare/batches.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { joinedBatches } from "./joined-batches.ts";

/** What the optimizer steps of a run take: examples in one order, or, of adapters side by side, in an order of each one's own. */
export class StepData {
  readonly totalSteps: number;
  readonly note: Phrase | null;
  private readonly plans: DataPlan[];

  constructor(
    private readonly spec: RunSpec,
    private readonly prepared: Pick<Prepared, "train" | "trainRows" | "sequences" | "teacher">,
  ) {
    const { train, trainRows, sequences } = prepared;
    const orders = spec.adapters.length === 0 ? [spec] : adaptersOf(spec).map(({ seed }) => ({ ...spec, seed }));
    this.plans = orders.map((order) => new DataPlan(trainRows, order, (row) => exampleLength(train, row, sequences)));
    this.totalSteps = this.first.totalSteps;
    this.note = this.first.note;
  }

  // They differ in their orders alone.
  private get first(): DataPlan {
    const [plan] = this.plans;
    if (!plan) throw new Error("a run has a data plan");
    return plan;
  }

  /** Of the 0-based step: its examples (one that several adapters take counts for each) and the micro-batches they make. */
  at(step: number): { examples: number[]; batches: MicroBatch[] } {
    const { spec, prepared } = this;
    const rowsOf = this.plans.map((plan) => plan.rowsOf(step));
    const examples = rowsOf.flat();
    if (spec.adapters.length > 0) return { examples, batches: joinedBatches(prepared.train, rowsOf, spec) };
    const { train, sequences, teacher } = prepared;
    const batches = microBatches(train, examples, spec, sequences, teacher).map(({ batch }) => batch);
    return { examples, batches };
  }

  /** Epochs done after `steps` steps. */
  epochs(steps: number): number {
    return this.first.epochs(steps);
  }
}
