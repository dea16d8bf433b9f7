import type { StepResult } from "@anneal/engine";
import { availableMemoryBytes, CpuMeter, diskFreeBytes } from "../../machine.ts";
import type { Cursor } from "../../run-directory/checkpoints.ts";
import { type Job, tell } from "../context/job.ts";
import { type StepFacts, stepMetrics } from "./step-metrics.ts";

type Known = Pick<StepFacts, "rates" | "microBatches" | "rows" | "seconds" | "epochs" | "memory">;

/** Tells a step's series, with what the machine says of itself at the time. */
export class StepTeller {
  private readonly cpu = new CpuMeter();
  private disk = { at: 0, bytes: 0 };
  constructor(private readonly job: Job) {}

  tell(result: StepResult, cursor: Cursor, known: Known): void {
    const { spec, runDirectory } = this.job.start;
    if (Date.now() - this.disk.at > 10_000) this.disk = { at: Date.now(), bytes: diskFreeBytes(runDirectory) };
    const values = stepMetrics({
      result,
      ...known,
      clipNorm: spec.clipNorm,
      lossEma: cursor.lossEma ?? result.loss,
      tokensSeen: cursor.tokensSeen,
      rowsSeen: cursor.rowsSeen,
      microBatchTokens: spec.microBatchTokens,
      cpuShare: this.cpu.share(),
      freeMemoryBytes: availableMemoryBytes(),
      diskFreeBytes: this.disk.bytes,
    });
    tell(this.job, { type: "metrics", step: cursor.step, tokens: cursor.tokensSeen, values });
  }
}
