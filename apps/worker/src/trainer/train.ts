import { ServiceError } from "@anneal/contracts";
import { learningRateAt, type Session } from "@anneal/engine";
import { type Checkpoint, type Cursor, statePath } from "../run-directory/checkpoints.ts";
import { DataPlan, microBatches } from "./batches.ts";
import { Cadence } from "./cadence.ts";
import { Stopped } from "./control.ts";
import { engineCall } from "./engine-call.ts";
import type { Eta } from "./eta.ts";
import { heartbeat, type Job, logLine, ProgressTeller, tell } from "./job.ts";
import { availableMemoryBytes, CpuMeter, diskFreeBytes } from "./machine.ts";
import { measure, nothingMeasured, resultOf, totals } from "./measure.ts";
import type { Prepared } from "./prepare.ts";
import { tellSamples } from "./samples.ts";
import { Saver } from "./saving.ts";
import { stepMetrics } from "./step-metrics.ts";

const emaKeeps = 0.9;

export const startCursor = (totalSteps: number): Cursor => ({
  step: 0,
  totalSteps,
  tokensSeen: 0,
  supervisedSeen: 0,
  rowsSeen: 0,
  lossEma: null,
  trainSeconds: 0,
  best: null,
  lastEvaluation: null,
});

/** Trains from the newest checkpoint, or from the start, to the last step. Answers the last checkpoint. */
export async function train(
  job: Job,
  session: Session,
  prepared: Prepared,
  resumed: Checkpoint | null,
  eta: Eta,
): Promise<Checkpoint> {
  const plan = new DataPlan(prepared.trainRows, job.start.spec);
  if (resumed) {
    const { step } = await session.loadState(statePath(resumed));
    if (step !== resumed.cursor.step || plan.totalSteps !== resumed.cursor.totalSteps)
      throw new ServiceError(
        "CONFLICT",
        `the checkpoint is of step ${step} of ${resumed.cursor.totalSteps}, this run has ${plan.totalSteps} steps`,
        { remedy: "start a new run" },
      );
  }
  const trainer = new Trainer(job, session, prepared, plan, resumed?.cursor ?? startCursor(plan.totalSteps), eta);
  if (resumed) trainer.saver.tellSaved(resumed, false);
  const last = await trainer.run(resumed);
  if (!job.journal.told.trained) tell(job, { type: "trained", step: last.step, digest: last.digest });
  return last;
}

class Trainer {
  readonly saver: Saver;
  private readonly cadence: Cadence;
  private readonly progress: ProgressTeller;
  private readonly cpu = new CpuMeter();
  private readonly began = Date.now();
  private readonly warmupSteps: number;
  private last: Checkpoint | null = null; // that of the last step
  private stepsDone = 0;
  private secondsPerStep = 0;
  private disk = { at: 0, bytes: 0 };

  constructor(
    private readonly job: Job,
    private readonly session: Session,
    private readonly prepared: Prepared,
    private readonly plan: DataPlan,
    private cursor: Cursor,
    private readonly eta: Eta,
  ) {
    const { spec, runDirectory } = job.start;
    this.saver = new Saver(job, session);
    this.cadence = new Cadence(spec, plan.totalSteps, runDirectory);
    this.progress = new ProgressTeller(job);
    // A warm-up longer than half the run would leave nothing of the learning rate that was asked for.
    this.warmupSteps = Math.min(spec.schedule.warmupSteps, Math.floor(plan.totalSteps / 2));
    if (this.warmupSteps < spec.schedule.warmupSteps && cursor.step === 0)
      logLine(job, "info", `warm-up of ${this.warmupSteps} steps: the run has only ${plan.totalSteps}`);
  }

  async run(resumed: Checkpoint | null): Promise<Checkpoint> {
    const { job, plan } = this;
    this.last = resumed?.step === plan.totalSteps ? resumed : null;
    try {
      if (this.cursor.step === 0) await tellSamples(job, this.session, this.prepared, 0);
      // An attempt that was stopped in its evaluation saved the step without it.
      else await this.afterStep();
      while (this.cursor.step < plan.totalSteps) {
        job.control.throwIfStopped();
        await this.step();
        await this.afterStep();
        if (Date.now() - this.began > job.start.segmentSeconds * 1000 && this.cursor.step < plan.totalSteps)
          job.control.stop("segment");
      }
    } catch (error) {
      if (error instanceof Stopped) await this.saveOnStop(error);
      throw error;
    }
    if (!this.last) throw new Error("the last step was not saved");
    return this.last;
  }

  private async afterStep(): Promise<void> {
    const { job, cadence, saver } = this;
    const { step, lastEvaluation } = this.cursor;
    const isBest = cadence.evaluatesAt(step) && lastEvaluation?.step !== step && (await this.evaluate());
    if (cadence.samplesAt(step)) await tellSamples(job, this.session, this.prepared, step);
    const due = cadence.savesAt(step) && saver.savedStep !== step;
    if (due || (isBest && job.start.spec.checkpoints.keepBest)) {
      const saved = await saver.save(this.cursor);
      if (cadence.isLast(step)) this.last = saved;
    }
    await this.saveIfAsked();
  }

  private async saveIfAsked(): Promise<void> {
    const number = this.job.control.takeSave();
    if (number === null) return;
    if (this.saver.savedStep !== this.cursor.step) await this.saver.save(this.cursor);
    this.job.send({ type: "controlled", number });
  }

  // Whoever goes on need not do these steps again. A cancelled run is not waited for, an orphan may not write.
  private async saveOnStop({ reason }: Stopped): Promise<void> {
    if (reason === "cancel" || reason === "orphaned") return;
    this.session.clearStop();
    const { step } = this.cursor;
    if (step > 0 && this.saver.savedStep !== step) await this.saver.save(this.cursor);
  }

  private async step(): Promise<void> {
    const { job, session, prepared, plan } = this;
    const { spec } = job.start;
    const { step } = this.cursor;
    heartbeat(job, "train", step, this.stepsDone === 0 ? 120 : 2 * this.secondsPerStep);
    const began = performance.now();
    const rows = plan.rowsOf(step);
    const batches = microBatches(prepared.train, rows, spec).map(({ batch }) => batch);
    const learningRate = learningRateAt(
      {
        kind: spec.schedule.kind,
        learningRate: spec.learningRate,
        warmupSteps: this.warmupSteps,
        totalSteps: plan.totalSteps,
      },
      step,
    );
    const result = await engineCall(job.control, () =>
      session.step({ microBatches: batches, learningRate, clipNorm: spec.clipNorm, step }),
    );
    const seconds = (performance.now() - began) / 1000;
    const { lossEma } = this.cursor;
    this.cursor = {
      ...this.cursor,
      step: step + 1,
      tokensSeen: this.cursor.tokensSeen + result.tokens,
      supervisedSeen: this.cursor.supervisedSeen + result.supervisedTokens,
      rowsSeen: this.cursor.rowsSeen + rows.length,
      lossEma: lossEma === null ? result.loss : emaKeeps * lossEma + (1 - emaKeeps) * result.loss,
      trainSeconds: this.cursor.trainSeconds + seconds,
    };
    this.stepsDone++;
    this.secondsPerStep = this.stepsDone <= 2 ? seconds : 0.8 * this.secondsPerStep + 0.2 * seconds;
    this.cadence.measured(this.stepsDone, this.secondsPerStep);
    if (this.cursor.step > job.journal.told.metricsStep)
      this.tellStep(result, learningRate, batches.length, rows.length, seconds);
    this.tellProgress();
  }

  private tellStep(
    result: Awaited<ReturnType<Session["step"]>>,
    learningRate: number,
    microBatchCount: number,
    rows: number,
    seconds: number,
  ): void {
    const { job, cursor } = this;
    const { spec, runDirectory } = job.start;
    if (Date.now() - this.disk.at > 10_000) this.disk = { at: Date.now(), bytes: diskFreeBytes(runDirectory) };
    const values = stepMetrics({
      result,
      learningRate,
      clipNorm: spec.clipNorm,
      lossEma: cursor.lossEma ?? result.loss,
      epochs: this.plan.epochs(cursor.step),
      tokensSeen: cursor.tokensSeen,
      rowsSeen: cursor.rowsSeen,
      rows,
      microBatches: microBatchCount,
      microBatchTokens: spec.microBatchTokens,
      seconds,
      memory: this.session.memory(),
      cpuShare: this.cpu.share(),
      freeMemoryBytes: availableMemoryBytes(),
      diskFreeBytes: this.disk.bytes,
    });
    tell(job, { type: "metrics", step: cursor.step, tokens: cursor.tokensSeen, values });
  }

  private tellProgress(): void {
    const { cursor, plan } = this;
    this.progress.tell({
      stage: "train",
      step: cursor.step,
      totalSteps: plan.totalSteps,
      fraction: cursor.step / plan.totalSteps,
      etaSeconds: this.eta.whileTraining(plan.totalSteps - cursor.step, this.secondsPerStep),
      note: null,
    });
  }

  /** Held-out loss and answers on the way. True when this is the best so far. */
  private async evaluate(): Promise<boolean> {
    const { job, session, prepared, cursor } = this;
    if (!prepared.heldOut) return false;
    const { step } = cursor;
    const rows = job.start.spec.evaluation.maxRows;
    const began = performance.now();
    const measured = await measure(job, session, prepared, nothingMeasured(), {
      baseOnly: false,
      rows,
      stage: "train",
      step,
    });
    this.eta.evaluated(Math.min(rows, prepared.heldOut.rows), (performance.now() - began) / 1000);
    const total = totals(prepared, measured, rows);
    const { loss, exactMatch, tokenAccuracy } = total;
    const isBest = loss !== null && (cursor.best === null || loss < cursor.best.loss);
    this.cursor = {
      ...cursor,
      lastEvaluation: { step, loss, exactMatch },
      best: isBest && loss !== null ? { step, loss } : cursor.best,
    };
    if (step > job.journal.told.duringStep)
      tell(
        job,
        {
          type: "metrics",
          step,
          tokens: cursor.tokensSeen,
          values: {
            ...(loss === null ? {} : { "eval/loss": loss, "eval/perplexity": Math.exp(loss) }),
            ...(exactMatch === null ? {} : { "eval/exact_match": exactMatch }),
            ...(tokenAccuracy === null ? {} : { "eval/token_accuracy": tokenAccuracy }),
          },
        },
        { type: "evaluation", step, which: "during", result: resultOf(total) },
      );
    return isBest;
  }
}
