import { mkdirSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import {
  type FromTrainer,
  ServiceError,
  ToTrainer,
  type TrainerStart,
  trainerProtocolVersion,
} from "@anneal/contracts";
import { CheckpointStore } from "../run-directory/checkpoints.ts";
import { Journal } from "../run-directory/journal.ts";
import { Control, Stopped } from "./context/control.ts";
import { describeFailure } from "./context/failure.ts";
import type { Job } from "./context/job.ts";
import { exportCheckpoint } from "./export/export-checkpoint.ts";
import { runStages } from "./stages.ts";
import { makeTeacher } from "./teacher/make-teacher.ts";

// The trainer child: engine, tokenizer and data live here, so that nothing they do can take the worker along.
const control = new Control();
let orphaned = false;

// At most one wake-up on its way: a parent that is stopped must not make us hoard messages.
let busy = false;
let waiting: FromTrainer | null = null;
function send(message: FromTrainer): void {
  if (!process.connected) return;
  const droppable = message.type === "journal" || message.type === "heartbeat";
  if (droppable && busy) {
    // A newer journal number says all that an older one did; a heartbeat gives way to it.
    if (message.type === "journal" || waiting === null) waiting = message;
    return;
  }
  busy = true;
  process.send?.(message, undefined, undefined, () => {
    busy = false;
    const next = waiting;
    waiting = null;
    if (next) send(next);
  });
}
function sendLast(message: FromTrainer): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) resolve();
    else process.send?.(message, undefined, undefined, () => resolve());
  });
}

async function run(start: TrainerStart): Promise<void> {
  mkdirSync(start.runDirectory, { recursive: true });
  let number = start.stored.number;
  let last: FromTrainer;
  try {
    if (start.task.kind === "export") {
      const files = await exportCheckpoint(start, start.task, control, send);
      last = { type: "exported", files };
    } else if (start.task.kind === "teacher") {
      last = await makeTeacher(start, start.task, control, send);
    } else {
      const { runDirectory, attempt, fenced, stored } = start;
      const journal = await Journal.open(runDirectory, { attempt, fenced, stored, now: new Date() });
      const store = new CheckpointStore(runDirectory, attempt, fenced);
      const job: Job = { start, journal, store, control, send };
      const end = await runStages(job).finally(() => {
        number = journal.number;
      });
      last = { type: "done", end, number: journal.number };
      journal.close();
    }
  } catch (error) {
    if (error instanceof Stopped) {
      const end = error.reason === "cancel" ? "cancelled" : error.reason === "pause" ? "paused" : "yielded";
      last = { type: "done", end, number };
    } else {
      const stale = error instanceof ServiceError && error.code === "STALE_ATTEMPT";
      if (!stale) console.error(new Date().toISOString(), error);
      const failure = describeFailure(error);
      last = { type: "failed", ...failure, permanent: failure.permanent && !stale, number };
    }
  }
  await sendLast(last);
  process.exit(0);
}

process.on("disconnect", () => {
  // The parent is gone: another attempt may start any moment. Stop at the next micro-batch and go.
  orphaned = true;
  control.stop("orphaned");
  setTimeout(() => process.exit(3), 5000).unref();
});
process.on("SIGTERM", () => control.stop("yield")); // the parent decides; a stray signal only saves
process.on("SIGINT", () => undefined); // Ctrl-C in the terminal goes to the whole group; the parent asks to yield
process.on("message", (raw) => {
  const parsed = ToTrainer.safeParse(raw);
  if (!parsed.success) {
    console.error(`unknown order: ${parsed.error.issues[0]?.path.join(".")}: ${parsed.error.issues[0]?.message}`);
    process.exit(64);
  }
  const message = parsed.data;
  if (message.type === "control") control.ask(message.control, message.number);
  else if (message.type === "yield") control.stop("yield");
  else if (!orphaned) void run(message);
});

try {
  // When memory runs out, the system should take the trainer, not the worker or the database.
  writeFileSync("/proc/self/oom_score_adj", "800");
  setPriority(5);
} catch (error) {
  console.error(`could not lower my own priority: ${String(error)}`); // not Linux, or not allowed: works all the same
}
send({ type: "ready", version: trainerProtocolVersion, pid: process.pid });
