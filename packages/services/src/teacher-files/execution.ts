import type { JobRetry, Problem, TeacherFacts, TrainerDataset } from "@anneal/contracts";
import type { ServiceContext } from "../context.ts";
import { afterFailure, type ClaimOptions, type JobClaim } from "../jobs/index.ts";
import { runInputs } from "../runs/execution/inputs.ts";
import { teacherLeases } from "./kind.ts";
import type { TeacherFileRow } from "./rows.ts";

/** Takes a file that waits to be made, or one whose worker is gone; null when there is nothing to take. */
export async function claimTeacherFile(
  ctx: Pick<ServiceContext, "db" | "now" | "files" | "paths">,
  teacherFileId: string,
  options: ClaimOptions,
): Promise<{ claim: JobClaim; row: TeacherFileRow; dataset: TrainerDataset } | null> {
  const taken = await teacherLeases.claim(ctx, teacherFileId, options);
  if (!taken) return null;
  const { datasetVersionId } = taken.row;
  const { dataset } = await runInputs(ctx, { datasetVersionId, evaluationVersionId: null });
  return { ...taken, dataset };
}

/** Prolongs the hold and tells how far it is. Fenced by the attempt, as every write. */
export const renewTeacherFile = (
  ctx: Pick<ServiceContext, "db">,
  claim: JobClaim,
  changes: Partial<Pick<TeacherFileRow, "fraction">>,
  leaseSeconds: number,
) => teacherLeases.extend(ctx.db, claim, leaseSeconds, changes);

interface Made {
  digest: string;
  bytes: number;
  rows: number;
  supervisedTokens: number;
  facts: TeacherFacts;
}
/** How an attempt at it ended. */
export type TeacherEnd =
  | { end: "succeeded"; made: Made }
  | { end: "yielded" } // cut off: free for the next worker at once
  | { end: "failed"; problem: Problem; permanent: boolean; retry: JobRetry };

/** Ends an attempt and says what becomes of the file. Fenced. */
export async function endTeacherFile(
  ctx: Pick<ServiceContext, "db" | "now" | "queue">,
  claim: JobClaim,
  settlement: TeacherEnd,
): Promise<TeacherFileRow> {
  return ctx.db.transaction(async (tx) => {
    const row = await teacherLeases.lock(tx, claim);
    const finishedAt = ctx.now();
    const release = (changes: Partial<TeacherFileRow> & { status: TeacherFileRow["status"] }) =>
      teacherLeases.release(ctx, tx, claim, changes);
    if (settlement.end === "yielded") return release({ status: "pending", queuedAt: finishedAt });
    if (settlement.end === "succeeded")
      return release({ status: "ready", ...settlement.made, fraction: 1, stalledAttempts: 0, finishedAt });
    const { problem } = settlement;
    const { giveUp, stalledAttempts, notBefore } = afterFailure(row, { ...settlement, progressed: false });
    if (giveUp) return release({ status: "failed", problem, stalledAttempts, fraction: null, finishedAt });
    return teacherLeases.release(ctx, tx, claim, {
      status: "pending",
      stalledAttempts,
      notBefore,
      queuedAt: finishedAt,
    });
  });
}
