import {
  diskFullCode,
  ErrorCode,
  type FromTrainer,
  isDiskFull,
  type Problem,
  ServiceError,
  say,
  type TrainerEnd,
  type TrainerStart,
  told,
  type Words,
  wordsOf,
  wordsOfError,
} from "@anneal/contracts";
import { channels } from "@anneal/db";
import { jobs, runs, type ServiceContext } from "@anneal/services";
import { isDatabaseAway, untilStored } from "../database-retry.ts";
import { takeAttempt } from "../run-directory/attempt-lock.ts";
import { JournalTail } from "../run-directory/journal-tail.ts";
import { keepFiles } from "../run-directory/keep-files.ts";
import { startTrainer } from "./trainer-process.ts";
import { Watchdog } from "./watchdog.ts";

const { storeJournal, renewLease, clearControl } = runs.execution;
type Claim = Parameters<typeof storeJournal>[1];

export interface HostSettings {
  leaseSeconds: number;
  hangSeconds: number;
  hangFactor: number;
  trainer: string | null;
}

export type Hosted =
  | { end: TrainerEnd | "lost" | "diskFull" }
  | { end: "failed"; problem: Problem; permanent: boolean };

const batchLines = 500;

function exitProblem(code: number | null, signal: string | null, hung: boolean, fault: Words | null = null): Problem {
  const how = hung
    ? say`the trainer gave no sign of life and was killed`
    : signal === "SIGKILL"
      ? say`the trainer was killed (SIGKILL); when memory runs out, the system does that`
      : signal
        ? say`the trainer ended with ${signal}`
        : say`the trainer ended with exit code ${code}`;
  const remedy = hung
    ? say`look at trainer.log in the run's folder`
    : say`a smaller micro-batch needs less memory; the cause is in trainer.log in the run's folder`;
  return { code: "INTERNAL", field: null, ...told({ message: fault ?? how, remedy }) };
}

/**
 * Runs one attempt: forks the trainer, stores what its journal says, keeps the lease, passes on what people ask for. A
 * database that goes away delays storing and nothing else. Resolves when the trainer is gone and its journal is stored.
 */
export async function hostRun(
  ctx: ServiceContext,
  claim: Claim,
  start: TrainerStart,
  settings: HostSettings,
  leaving: AbortSignal,
): Promise<Hosted> {
  takeAttempt(start.runDirectory, claim.attempt, claim.fenced);
  const log = ctx.log;
  const tail = new JournalTail(start.runDirectory, claim.attempt, start.stored.number);
  let announced = start.stored.number;
  let storedNumber = start.stored.number;
  let stale = false;
  let fault: Error | null = null;
  let last: Extract<FromTrainer, { type: "done" | "failed" }> | null = null;
  let pumping: Promise<void> | null = null;
  let lastControl = 0;
  let overLimit: number | null = null; // the seconds that the run was allowed, once they are over
  const stopped = new AbortController(); // this attempt's own business is over

  const giveUp = (error: unknown) => {
    if (error instanceof ServiceError && error.code === "STALE_ATTEMPT") stale = true;
    else fault ??= error instanceof Error ? error : new Error(String(error));
    stopped.abort();
    trainer.kill();
  };

  async function pumpOnce(): Promise<void> {
    while (storedNumber < announced && !stopped.signal.aborted) {
      const lines = await tail.read(announced, batchLines);
      if (lines.length === 0) return;
      const kept = await keepFiles(ctx, start.runDirectory, lines, stopped.signal);
      storedNumber = await untilStored(() => storeJournal(ctx, claim, lines, kept), {
        log,
        what: `run ${claim.id}: storing events`,
        signal: stopped.signal,
      });
      storedNumber = Math.max(storedNumber, lines.at(-1)?.number ?? 0);
    }
  }
  // One at a time; a wake-up during a pass makes the pass go round again.
  const pump = (): Promise<void> => {
    pumping ??= pumpOnce()
      .catch(giveUp)
      .finally(() => {
        pumping = null;
        if (storedNumber < announced && !stopped.signal.aborted && last === null) void pump();
      });
    return pumping;
  };

  const watchdog = new Watchdog(settings.hangSeconds, settings.hangFactor, () => trainer.kill());
  const onMessage = (message: FromTrainer) => {
    watchdog.alive(message.type === "heartbeat" ? message.expectedSeconds : null);
    if (message.type === "journal") {
      announced = Math.max(announced, message.number);
      void pump();
    } else if (message.type === "controlled")
      void clearControl(ctx, claim, message.number).catch((error) => {
        // Only tidying: a control left standing is offered again and known by its number.
        log.warn({ runId: claim.id, error: String(error) }, "could not take a control off the row");
      });
    else if (message.type === "done" || message.type === "failed") {
      last = message;
      announced = Math.max(announced, message.number);
    }
  };
  const trainer = startTrainer({ start, trainer: settings.trainer, onMessage, onProtocolError: giveUp });

  let renewing = false;
  async function renew(): Promise<void> {
    if (renewing || stopped.signal.aborted) return;
    renewing = true;
    try {
      const { control, controlNumber, ...limit } = await renewLease(ctx, claim, settings.leaseSeconds);
      if (limit.overLimit && overLimit === null) {
        overLimit = limit.runningLimitSeconds;
        trainer.send({ type: "yield" }); // what it has is worth saving
      }
      if (control && controlNumber > lastControl) {
        lastControl = controlNumber;
        trainer.send({ type: "control", control, number: controlNumber });
      }
    } catch (error) {
      // Away: the trainer goes on, the journal holds; whoever takes over meanwhile is found out at the next write.
      if (!isDatabaseAway(error)) giveUp(error);
    } finally {
      renewing = false;
    }
  }
  const leaseTimer = setInterval(() => void renew(), (settings.leaseSeconds * 1000) / 4);
  const unsubscribe = ctx.listener.subscribe(channels.control, (runId) => {
    if (runId === null || runId === claim.id) void renew();
  });
  let killLater: NodeJS.Timeout | null = null;
  const leave = () => {
    trainer.send({ type: "yield" });
    killLater = setTimeout(() => trainer.kill(), 60_000);
  };
  if (leaving.aborted) leave();
  leaving.addEventListener("abort", leave);

  try {
    await renew();
    const exit = await trainer.exited;
    // A message may still be on its way when the exit is told.
    await new Promise((resolve) => setImmediate(resolve));
    watchdog.stop();
    while (!stopped.signal.aborted && storedNumber < announced) {
      const before = storedNumber;
      await pump();
      if (storedNumber === before && storedNumber < announced && !stopped.signal.aborted)
        giveUp(
          new ServiceError(
            "INTERNAL",
            say`the journal ends at ${storedNumber}, though the trainer told of ${announced}`,
          ),
        );
    }
    if (stale) return { end: "lost" };
    if (isDiskFull(fault)) return { end: "diskFull" };
    if (fault) {
      const problem = exitProblem(exit.code, exit.signal, false, wordsOfError(fault));
      return { end: "failed", problem, permanent: false };
    }
    const words = last as Extract<FromTrainer, { type: "done" | "failed" }> | null;
    if (!words)
      return { end: "failed", problem: exitProblem(exit.code, exit.signal, watchdog.fired), permanent: false };
    if (words.type === "failed") {
      if (words.code === "STALE_ATTEMPT") return { end: "lost" };
      if (words.code === diskFullCode) return { end: "diskFull" };
      const ours = ErrorCode.safeParse(words.code);
      const problem: Problem = {
        code: ours.success ? ours.data : words.permanent ? "INVALID_INPUT" : "INTERNAL",
        field: null,
        ...told({ message: wordsOf(words, "message"), remedy: wordsOf(words, "remedy") }),
        details: { code: words.code },
      };
      return { end: "failed", problem, permanent: words.permanent };
    }
    if (words.end === "yielded" && overLimit !== null)
      return { end: "failed", problem: jobs.limitProblem(say`run`, "running", overLimit), permanent: true };
    return { end: words.end };
  } finally {
    stopped.abort();
    clearInterval(leaseTimer);
    if (killLater) clearTimeout(killLater);
    leaving.removeEventListener("abort", leave);
    unsubscribe();
    watchdog.stop();
    tail.close();
    trainer.kill();
  }
}
