import { type AttemptEnd, type JobRetry, type Problem, type RunStatus, say, told, wordsOf } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { and, eq, type SQL } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { afterFailure } from "../../jobs/index.ts";
import { appendEvents } from "../append-events.ts";
import { type Claim, lockOwned, type RunRow, runLeases } from "./kind.ts";

const { attempts } = schema;

/** How an attempt ended, with what the row needs of it. Never "lost": who lost the run settles nothing. */
export type Settlement =
  | { end: Exclude<AttemptEnd, "lost" | "diskFull" | "failed"> }
  | { end: "diskFull"; problem: Problem } // paused: goes on when there is room, by itself or by hand
  | { end: "failed"; problem: Problem; permanent: boolean; retry: JobRetry };

async function endAttempt(tx: Transaction, claim: Claim, settlement: Settlement, endedAt: Date): Promise<boolean> {
  const problem = "problem" in settlement ? settlement.problem : null;
  const [row] = await tx
    .update(attempts)
    .set({ outcome: settlement.end, endedAt, problem })
    .where(and(eq(attempts.runId, claim.id), eq(attempts.attempt, claim.attempt)))
    .returning({ progressed: attempts.progressed });
  return row?.progressed ?? false;
}

interface Next {
  status: RunStatus;
  problem?: Problem | null; // that stays on the row
  said?: Problem; // in the event alone
  stalledAttempts?: number;
  notBefore?: SQL | null;
}

// What becomes of the run. A pause or cancel that came while the attempt was ending is done: it has stopped.
function nextOf(row: RunRow, settlement: Settlement, progressed: boolean): Next {
  const stopping = row.status === "cancelling" ? "cancelled" : row.status === "pausing" ? "paused" : null;
  if (!("problem" in settlement)) {
    const { end } = settlement;
    if (end === "succeeded") return { status: end, stalledAttempts: 0, problem: null };
    return { status: end === "yielded" ? (stopping ?? "queued") : end };
  }
  const { problem } = settlement;
  if (settlement.end === "diskFull")
    return stopping === "cancelled" ? { status: stopping, problem: null } : { status: "paused", problem };
  const { giveUp, stalledAttempts, notBefore } = afterFailure(row, { ...settlement, progressed });
  if (stopping) return { status: stopping, stalledAttempts, problem: null };
  if (!giveUp) return { status: "queued", stalledAttempts, notBefore, problem: null, said: problem };
  return {
    status: "failed",
    stalledAttempts,
    problem: settlement.permanent
      ? problem
      : {
          ...problem,
          ...told({
            message: say`${wordsOf(problem, "message")} (failure ${stalledAttempts} in a row without progress)`,
            remedy: wordsOf(problem, "remedy"),
          }),
        },
  };
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
    const progressed = await endAttempt(tx, claim, settlement, now);
    const { said, ...next } = nextOf(row, settlement, progressed);
    const { status } = next;
    const over = status === "succeeded" || status === "failed" || status === "cancelled";
    await runLeases.release(ctx, tx, claim, {
      ...next,
      control: null,
      finishedAt: over ? now : null,
      ...(status === "queued" ? { queuedAt: now } : {}), // behind those that wait already
    });
    const problem = said ?? next.problem ?? null;
    await appendEvents(tx, row.id, claim.attempt, [{ time: now, body: { type: "status", status, problem } }]);
    return status;
  });
}
