import {
  type AdapterSettings,
  adaptersOf,
  ServiceError,
  say,
  type Words,
  warmupOf,
  wordsOfError,
} from "@anneal/contracts";
import { learningRateAt, type Session, type StepResult } from "@anneal/engine";
import { type Checkpoint, type Cursor, statePath } from "../../run-directory/checkpoints.ts";
import { Stopped } from "../context/control.ts";
import { startCursor } from "../context/cursor.ts";
import { engineCall } from "../context/engine-call.ts";
import type { Eta } from "../context/eta.ts";
import { heartbeat, type Job, logLine, ProgressTeller, tell } from "../context/job.ts";
import type { Measured } from "../evaluate/measure.ts";
import { tellSamples } from "../evaluate/samples.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { Cadence } from "./cadence.ts";
import { leaveOut, lossLimit, poisonOf } from "./guard.ts";
import { evaluateDuring } from "./held-out-loss.ts";
import { rehearse } from "./rehearse.ts";
import { Saver } from "./saving.ts";
import { StepData } from "./step-data.ts";
import type { StepRates } from "./step-metrics.ts";
import { StepTeller } from "./step-teller.ts";

const emaKeeps = 0.9;

/** How training ended: the checkpoint of its last step, and the one whose weights go on (the same, unless the best is restored). */
export interface Trained {
  end: Checkpoint;
  chosen: Checkpoint;
}

/** Trains from the newest checkpoint, or from the start, to the end. */
export async function train(
  job: Job,
  session: Session,
  prepared: Prepared,
  resumed: Checkpoint | null,
  before: Measured,
  eta: Eta,
): Promise<Trained> {
  const plan = new StepData(job.start.spec, prepared);
  if (resumed) {
    const { cursor } = resumed;
    const { step } = await session.loadState(statePath(resumed));
    if (step !== (cursor.engineStep ?? cursor.step) || plan.totalSteps !== cursor.totalSteps)
      throw new ServiceError(
        "CONFLICT",
        say`the checkpoint is of step ${step} of ${cursor.totalSteps}, this run has ${plan.totalSteps} steps`,
        { remedy: say`start a new run` },
      );
  } else await rehearse(job, session, prepared);
  const trainer = new Trainer(
    job,
    session,
    prepared,
    plan,
    resumed?.cursor ?? startCursor(plan.totalSteps),
    before,
    eta,
  );
  if (resumed) trainer.saver.tellSaved(resumed, false);
  const end = await trainer.run(resumed);
  const chosen = await restoreBest(job, session, end);
  if (!job.journal.told.trained) tell(job, { type: "trained", step: chosen.step, digest: chosen.digest });
  return { end, chosen };
}

async function restoreBest(job: Job, session: Session, end: Checkpoint): Promise<Checkpoint> {
  const step = end.cursor.best?.step ?? end.step;
  if (!job.start.spec.checkpoints.restoreBest || step === end.step) return end;
  const best = await job.store.ofStep(step);
  if (!best)
    throw new ServiceError("NOT_FOUND", say`the best checkpoint, of step ${step}, is gone`, {
      field: "checkpoints.restoreBest",
      remedy: say`publish the last checkpoint, or run again`,
    });
  await session.loadState(statePath(best));
  if (!job.journal.told.trained)
    logLine(
      job,
      "info",
      say`back to the best checkpoint: step ${step}, held-out loss ${end.cursor.best?.loss.toFixed(4)}`,
    );
  return best;
}

class Trainer {
  readonly saver: Saver;
  private readonly cadence: Cadence;
  private readonly progress: ProgressTeller;
  private readonly teller: StepTeller;
  private readonly began = Date.now();
  private readonly warmupSteps: number;
  private readonly adapters: AdapterSettings[];
  private newest: Checkpoint | null = null;
  private stepsDone = 0;
  private secondsPerStep = 0;

  constructor(
    private readonly job: Job,
    private readonly session: Session,
    private readonly prepared: Prepared,
    private readonly plan: StepData,
    private cursor: Cursor,
    private readonly before: Measured,
    private readonly eta: Eta,
  ) {
    const { spec, runDirectory } = job.start;
    this.adapters = adaptersOf(spec);
    this.saver = new Saver(job, session);
    this.cadence = new Cadence(spec, plan.totalSteps, runDirectory);
    this.progress = new ProgressTeller(job);
    this.teller = new StepTeller(job);
    this.warmupSteps = warmupOf(spec, plan.totalSteps);
    if (this.warmupSteps < spec.schedule.warmupSteps && cursor.step === 0)
      logLine(job, "info", say`warm-up of ${this.warmupSteps} [step|steps]: the run has only ${plan.totalSteps}`);
  }

  async run(resumed: Checkpoint | null): Promise<Checkpoint> {
    const { job } = this;
    this.newest = resumed;
    try {
      if (this.cursor.step === 0) await tellSamples(job, this.session, this.prepared, this.cursor);
      // An attempt that was stopped in its evaluation saved the step without it.
      else await this.afterStep();
      while (!this.isOver()) {
        job.control.throwIfStopped();
        await this.step();
        await this.afterStep();
        if (Date.now() - this.began > job.start.segmentSeconds * 1000 && !this.isOver()) job.control.stop("yield");
      }
    } catch (error) {
      if (error instanceof Stopped) await this.saveOnStop(error);
      throw error;
    }
    if (this.newest?.step !== this.cursor.step) throw new Error("the last step was not saved");
    return { ...this.newest, cursor: this.cursor };
  }

  private isOver = () => this.cursor.step >= this.plan.totalSteps || this.cursor.stopping.stopped;

  private async afterStep(): Promise<void> {
    const { job, cadence, saver } = this;
    const { step } = this.cursor;
    let isBest = false;
    if (cadence.evaluatesAt(step) && this.cursor.lastEvaluation?.step !== step) {
      ({ cursor: this.cursor, isBest } = await evaluateDuring(
        job,
        this.session,
        this.prepared,
        this.cursor,
        this.before,
        this.eta,
      ));
      if (this.cursor.stopping.stopped)
        logLine(
          job,
          "info",
          say`stopped early: the held-out loss has not improved in ${this.cursor.stopping.bad} [evaluation|evaluations]`,
        );
    }
    if (cadence.samplesAt(step)) await tellSamples(job, this.session, this.prepared, this.cursor);
    const regular = cadence.savesAt(step);
    const { guard } = this.cursor;
    // Only steps that every attempt saves at may be gone back to: anything else would depend on who was interrupted when.
    // Weights that have just refused a batch are none to go back to either.
    if (regular && guard.skippedInRow === 0) this.cursor = { ...this.cursor, guard: { ...guard, rollbackTo: step } };
    const due = (regular || this.isOver()) && saver.savedStep !== step;
    if (due || (isBest && job.start.spec.checkpoints.keepBest)) this.newest = await saver.save(this.cursor);
    await this.saveIfAsked();
  }

  private async saveIfAsked(): Promise<void> {
    const number = this.job.control.takeSave();
    if (number === null) return;
    if (this.saver.savedStep !== this.cursor.step) this.newest = await this.saver.save(this.cursor);
    this.job.send({ type: "controlled", number });
  }

  // Whoever goes on need not do these steps again. A cancelled run is not waited for, an orphan may not write.
  private async saveOnStop({ reason }: Stopped): Promise<void> {
    if (reason === "cancel" || reason === "orphaned") return;
    this.session.clearStop();
    const { step } = this.cursor;
    if (step > 0 && this.saver.savedStep !== step) await this.saver.save(this.cursor);
  }

  private learningRate(step: number, learningRate: number, plateauFactor: number): number {
    const { schedule } = this.job.start.spec;
    const { warmupSteps, plan } = this;
    return learningRateAt({ ...schedule, learningRate, warmupSteps, totalSteps: plan.totalSteps, plateauFactor }, step);
  }

  private ratesAt(step: number): StepRates {
    const { learningRate } = this.job.start.spec;
    const { plateau, plateaus } = this.cursor;
    return {
      learningRate: this.learningRate(step, learningRate, plateau.factor),
      adapters: this.adapters.map((own) => this.learningRate(step, own.learningRate, plateaus[own.name]?.factor ?? 1)),
    };
  }

  private async step(): Promise<void> {
    const { job, session, plan } = this;
    const { spec } = job.start;
    const { step } = this.cursor;
    heartbeat(job, "train", step, this.stepsDone === 0 ? 120 : 2 * this.secondsPerStep);
    const began = performance.now();
    const { examples, batches } = plan.at(step);
    const rates = this.ratesAt(step);
    const { clipNorm } = spec;
    const maxLoss = lossLimit(this.cursor, spec);
    let result: StepResult;
    try {
      result = await engineCall(job.control, () =>
        session.step({
          microBatches: batches,
          learningRate: rates.learningRate,
          clipNorm,
          step,
          ...(rates.adapters.length === 0
            ? {}
            : { adapters: rates.adapters.map((learningRate) => ({ learningRate, clipNorm })) }),
          ...(maxLoss === undefined ? {} : { maxLoss }),
        }),
      );
    } catch (error) {
      const cause = poisonOf(error, spec);
      if (cause === null) throw error;
      await this.withoutBatch(cause, wordsOfError(error), examples);
      return;
    }
    const seconds = (performance.now() - began) / 1000;
    const { lossEma, guard } = this.cursor;
    this.cursor = {
      ...this.cursor,
      step: step + 1,
      engineStep: null,
      guard: guard.skippedInRow === 0 ? guard : { ...guard, skippedInRow: 0 },
      tokensSeen: this.cursor.tokensSeen + result.tokens,
      supervisedSeen: this.cursor.supervisedSeen + result.supervisedTokens,
      rowsSeen: this.cursor.rowsSeen + examples.length,
      lossEma: lossEma === null ? result.loss : emaKeeps * lossEma + (1 - emaKeeps) * result.loss,
      trainSeconds: this.cursor.trainSeconds + seconds,
    };
    this.stepsDone++;
    this.secondsPerStep = this.stepsDone <= 2 ? seconds : 0.8 * this.secondsPerStep + 0.2 * seconds;
    this.cadence.measured(this.stepsDone, this.secondsPerStep);
    if (this.cursor.step > job.journal.told.metricsStep)
      this.teller.tell(result, this.cursor, {
        rates,
        microBatches: batches.length,
        rows: examples.length,
        seconds,
        epochs: plan.epochs(this.cursor.step),
        memory: session.memory(),
      });
    this.tellProgress();
  }

  private async withoutBatch(cause: "not_finite" | "spike", detail: Words, examples: number[]): Promise<void> {
    const { job, session, prepared } = this;
    const rows = [...new Set(examples)].map((example) => prepared.rowNumbers[example] ?? example);
    const { rollbacks } = this.cursor.guard;
    this.cursor = await leaveOut(job, session, this.cursor, { cause, detail, rows });
    // The old weights in their new place, on the disk: whoever goes on from here goes on with them.
    if (this.cursor.guard.rollbacks > rollbacks) this.newest = await this.saver.save(this.cursor);
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
}
