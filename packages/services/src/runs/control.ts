import { api, type Phrase, type RunControl, type RunStatus, ServiceError, say } from "@anneal/contracts";
import { channels, schema, type Transaction } from "@anneal/db";
import { eq, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, notFound, verb } from "../verb.ts";
import { appendEvents } from "./append-events.ts";
import { statusWords } from "./status-words.ts";
import { findSummaries } from "./summary.ts";

const { runs } = schema;
type RunRow = typeof runs.$inferSelect;

async function lockRun(tx: Transaction, runId: string): Promise<RunRow> {
  const [row] = await tx.select().from(runs).where(eq(runs.id, runId)).for("update");
  if (!row) throw notFound("run", runId);
  return row;
}

const asks = {
  cancel: (status: Phrase) => say`the run is ${status} and cannot be asked to cancel`,
  pause: (status: Phrase) => say`the run is ${status} and cannot be asked to pause`,
  save: (status: Phrase) => say`the run is ${status} and cannot be asked to save`,
  resume: (status: Phrase) => say`the run is ${status} and cannot be asked to resume`,
};

function refuse(verbName: keyof typeof asks, row: RunRow, allowed: Phrase): ServiceError {
  return new ServiceError("PRECONDITION_FAILED", asks[verbName](statusWords[row.status]), {
    field: "runId",
    remedy: allowed,
  });
}

async function summaryOf(ctx: ServiceContext, runId: string) {
  const [summary] = await findSummaries(ctx.db, { ids: [runId] });
  if (!summary) throw notFound("run", runId);
  return summary;
}

async function setStatus(tx: Transaction, ctx: ServiceContext, row: RunRow, changes: Partial<RunRow>): Promise<void> {
  await tx.update(runs).set(changes).where(eq(runs.id, row.id));
  if (changes.status && changes.status !== row.status)
    await appendEvents(tx, row.id, row.attempt, [
      { time: ctx.now(), body: { type: "status", status: changes.status, problem: changes.problem ?? null } },
    ]);
}

// What a worker that holds the run must be told; it is woken at once and also looks at the row.
async function ask(tx: Transaction, row: RunRow, control: RunControl): Promise<void> {
  await tx
    .update(runs)
    .set({ control, controlNumber: row.controlNumber + 1 })
    .where(eq(runs.id, row.id));
  await tx.execute(sql`select pg_notify(${channels.control}, ${row.id})`);
}

export const cancel = verb(api.runs.cancel, async (ctx, { runId }) => {
  await ctx.db.transaction(async (tx) => {
    const row = await lockRun(tx, runId);
    if (row.status === "cancelled" || row.status === "cancelling") return;
    if (row.status === "succeeded" || row.status === "failed")
      throw refuse("cancel", row, say`a finished run needs no cancelling`);
    await audit(tx, ctx, "run.cancel", runId);
    if (row.status === "running" || row.status === "pausing") {
      await setStatus(tx, ctx, row, { status: "cancelling" });
      await ask(tx, row, "cancel");
    } else {
      await setStatus(tx, ctx, row, { status: "cancelled", control: null, notBefore: null, finishedAt: ctx.now() });
      await ctx.queue.withdraw(tx, "run.advance", { runId });
    }
  });
  return summaryOf(ctx, runId);
});

export const pause = verb(api.runs.pause, async (ctx, { runId }) => {
  await ctx.db.transaction(async (tx) => {
    const row = await lockRun(tx, runId);
    if (row.status === "pausing") return;
    if (row.status === "paused") {
      // It would go on by itself when the disk has room; whoever asks for a pause wants it to stay.
      await tx.update(runs).set({ problem: null }).where(eq(runs.id, runId));
      return;
    }
    if (row.status !== "running" && row.status !== "queued")
      throw refuse("pause", row, say`only a queued or running run can pause`);
    await audit(tx, ctx, "run.pause", runId);
    if (row.status === "running") {
      await setStatus(tx, ctx, row, { status: "pausing" });
      await ask(tx, row, "pause");
    } else {
      await setStatus(tx, ctx, row, { status: "paused", notBefore: null });
      await ctx.queue.withdraw(tx, "run.advance", { runId });
    }
  });
  return summaryOf(ctx, runId);
});

export const saveCheckpoint = verb(api.runs.saveCheckpoint, async (ctx, { runId }) => {
  await ctx.db.transaction(async (tx) => {
    const row = await lockRun(tx, runId);
    if (row.status !== "running") throw refuse("save", row, say`wait until the run is training`);
    await audit(tx, ctx, "run.saveCheckpoint", runId);
    await ask(tx, row, "save");
  });
  return summaryOf(ctx, runId);
});

const resumable: readonly RunStatus[] = ["paused", "failed", "cancelled"];

export async function resumeRun(ctx: ServiceContext, runId: string): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const row = await lockRun(tx, runId);
    if (row.status === "running" || (row.status === "queued" && row.notBefore === null)) return;
    if (!resumable.includes(row.status) && row.status !== "queued")
      throw refuse(
        "resume",
        row,
        say`a run that is still stopping can be resumed in a moment; a finished one can be cloned`,
      );
    await audit(tx, ctx, "run.resume", runId);
    await setStatus(tx, ctx, row, {
      status: "queued",
      control: null,
      problem: null,
      stalledAttempts: 0,
      notBefore: null,
      queuedAt: ctx.now(),
      finishedAt: null,
    });
    await ctx.queue.enqueue(tx, "run.advance", { runId });
  });
}

export const resume = verb(api.runs.resume, async (ctx, { runId }) => {
  await resumeRun(ctx, runId);
  return summaryOf(ctx, runId);
});
