import {
  type ArtifactKind,
  type AttemptSummary,
  type Problem,
  type RunStatus,
  say,
  told,
  wordsOf,
} from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { and, eq, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { appendEvents, type NewEvent } from "../append-events.ts";
import { type Claim, lockOwned } from "./fence.ts";

const { runs, attempts, artifacts } = schema;

export interface NewArtifact {
  kind: ArtifactKind;
  name: string;
  digest: string;
  bytes: number;
  path: string;
}

export type Settlement =
  | { kind: "succeeded"; report: NewArtifact | null }
  | { kind: "paused" }
  | { kind: "cancelled" }
  | { kind: "handBack" } // segment over, or the worker is leaving: queued again
  | { kind: "diskFull"; problem: Problem } // paused: goes on when there is room, by itself or by hand
  | ({ kind: "broken"; problem: Problem; permanent: boolean } & RetryRules);

export interface RetryRules {
  /** Broken attempts in a row without progress after which the run fails. */
  maxStalledAttempts: number;
  /** How long the first of them is waited after; each further one four times as long. */
  retrySeconds: number;
}
const longestPauseSeconds = 300;

async function endAttempt(
  tx: Transaction,
  claim: Claim,
  outcome: AttemptSummary["outcome"],
  now: Date,
  problem: Problem | null,
): Promise<boolean> {
  const [row] = await tx
    .update(attempts)
    .set({ outcome, endedAt: now, problem })
    .where(and(eq(attempts.runId, claim.runId), eq(attempts.attempt, claim.attempt)))
    .returning({ progressed: attempts.progressed });
  return row?.progressed ?? false;
}

/** Files are named by what they are: making the same thing again replaces the row's content, never adds one. */
export async function storeArtifact(tx: Transaction, runId: string, now: Date, artifact: NewArtifact): Promise<void> {
  const { digest, bytes, path } = artifact;
  await tx
    .insert(artifacts)
    .values({ runId, createdAt: now, ...artifact })
    .onConflictDoUpdate({ target: [artifacts.runId, artifacts.kind, artifacts.name], set: { digest, bytes, path } });
}

/** Ends an attempt and says what becomes of the run. Fenced: a stale attempt cannot end anything. */
export async function settleRun(
  ctx: Pick<ServiceContext, "db" | "now" | "queue">,
  claim: Claim,
  settlement: Settlement,
): Promise<RunStatus> {
  return ctx.db.transaction(async (tx) => {
    const row = await lockOwned(tx, claim);
    const now = ctx.now();
    const free = { workerId: null, leaseExpiresAt: null };
    const events: NewEvent[] = [];
    const tell = (status: RunStatus, problem: Problem | null = null) => {
      events.push({ time: now, body: { type: "status", status, problem } });
      return status;
    };
    let status: RunStatus;
    if (settlement.kind === "succeeded") {
      await endAttempt(tx, claim, "succeeded", now, null);
      if (settlement.report) {
        await storeArtifact(tx, row.id, now, settlement.report);
        const body = { ...settlement.report, type: "artifact" as const, ggufType: null, checkpointStep: null };
        events.push({ time: now, body });
      }
      status = tell("succeeded");
      await tx
        .update(runs)
        .set({ ...free, status, control: null, stalledAttempts: 0, problem: null, finishedAt: now })
        .where(eq(runs.id, row.id));
    } else if (settlement.kind === "paused" || settlement.kind === "cancelled") {
      await endAttempt(tx, claim, settlement.kind, now, null);
      status = tell(settlement.kind);
      const finishedAt = settlement.kind === "cancelled" ? now : null;
      await tx
        .update(runs)
        .set({ ...free, status, control: null, finishedAt })
        .where(eq(runs.id, row.id));
    } else if (settlement.kind === "handBack") {
      await endAttempt(tx, claim, "paused", now, null);
      // A pause or cancel that came while it was saving is done: it has stopped.
      if (row.status === "pausing") status = tell("paused");
      else if (row.status === "cancelling") status = tell("cancelled");
      else status = tell("queued");
      await tx
        .update(runs)
        .set({ ...free, status, control: null, queuedAt: now, finishedAt: status === "cancelled" ? now : null })
        .where(eq(runs.id, row.id));
      if (status === "queued") await ctx.queue.enqueue(tx, "run.advance", { runId: row.id });
    } else if (settlement.kind === "diskFull") {
      const { problem } = settlement;
      await endAttempt(tx, claim, "paused", now, problem);
      const cancelled = row.status === "cancelling";
      status = cancelled ? tell("cancelled") : tell("paused", problem);
      await tx
        .update(runs)
        .set({
          ...free,
          status,
          control: null,
          problem: cancelled ? null : problem,
          finishedAt: cancelled ? now : null,
        })
        .where(eq(runs.id, row.id));
    } else {
      const progressed = await endAttempt(tx, claim, "failed", now, settlement.problem);
      const stalledAttempts = progressed ? 0 : row.stalledAttempts + 1;
      const stopping = row.status === "cancelling" ? "cancelled" : row.status === "pausing" ? "paused" : null;
      const giveUp = settlement.permanent || stalledAttempts >= settlement.maxStalledAttempts;
      const problem: Problem =
        giveUp && !settlement.permanent
          ? {
              ...settlement.problem,
              ...told({
                message: say`${wordsOf(settlement.problem, "message")} (failure ${stalledAttempts} in a row without progress)`,
                remedy: wordsOf(settlement.problem, "remedy"),
              }),
            }
          : settlement.problem;
      // What broke at once will mostly break at once again: a full disk, a file that is away for a moment.
      const pause =
        stopping || giveUp || stalledAttempts === 0
          ? 0
          : Math.min(longestPauseSeconds, settlement.retrySeconds * 4 ** (stalledAttempts - 1));
      status = stopping ? tell(stopping) : giveUp ? tell("failed", problem) : tell("queued", settlement.problem);
      await tx
        .update(runs)
        .set({
          ...free,
          status,
          stalledAttempts,
          notBefore: pause > 0 ? sql`now() + make_interval(secs => ${pause})` : null,
          problem: status === "failed" ? problem : null,
          control: null,
          queuedAt: now,
          finishedAt: status === "failed" || status === "cancelled" ? now : null,
        })
        .where(eq(runs.id, row.id));
      // A run that waits is sent for by the heartbeat when its time has come.
      if (status === "queued" && pause === 0) await ctx.queue.enqueue(tx, "run.advance", { runId: row.id });
    }
    await appendEvents(tx, row.id, claim.attempt, events);
    return status;
  });
}
