import { type Problem, ServiceError, say, type TeacherFacts, type TrainerDataset, told } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { runInputs } from "../runs/execution/inputs.ts";
import type { TeacherFileRow } from "./rows.ts";

const { teacherFiles } = schema;

/** A worker's hold on a teacher's file: each taking raises the attempt and shuts the former one out. */
export interface TeacherClaim {
  teacherFileId: string;
  attempt: number;
}

const waits = or(
  eq(teacherFiles.status, "pending"),
  and(
    eq(teacherFiles.status, "making"),
    or(isNull(teacherFiles.leaseExpiresAt), lt(teacherFiles.leaseExpiresAt, sql`now()`)),
  ),
);

/** Takes a file that waits to be made, or one whose worker is gone; null when there is nothing to take. */
export async function claimTeacherFile(
  ctx: Pick<ServiceContext, "db" | "now">,
  teacherFileId: string,
  options: { leaseSeconds: number; maxStalledAttempts: number },
): Promise<{ claim: TeacherClaim; row: TeacherFileRow; dataset: TrainerDataset } | null> {
  const [row] = await ctx.db
    .update(teacherFiles)
    .set({
      status: "making",
      attempt: sql`${teacherFiles.attempt} + 1`,
      stalledAttempts: sql`${teacherFiles.stalledAttempts} + 1`,
      leaseExpiresAt: sql`now() + make_interval(secs => ${options.leaseSeconds})`,
    })
    .where(and(eq(teacherFiles.id, teacherFileId), waits))
    .returning();
  if (!row) return null;
  const claim = { teacherFileId, attempt: row.attempt };
  if (row.stalledAttempts > options.maxStalledAttempts) {
    await endTeacherFile(ctx, claim, {
      status: "failed",
      problem: {
        code: "INTERNAL",
        field: null,
        ...told({
          message: say`it failed ${options.maxStalledAttempts} [time|times] in a row`,
          remedy: say`look at trainer.log in its folder; a smaller microBatchTokens helps if memory ran out`,
        }),
      },
    });
    return null;
  }
  const { dataset } = await runInputs(ctx, { datasetVersionId: row.datasetVersionId, evaluationVersionId: null });
  return { claim, row, dataset };
}

type Changes = Partial<Pick<TeacherFileRow, "fraction">>;
type End =
  | { status: "failed"; problem: Problem }
  | { status: "pending" } // cut off: free for the next worker at once
  | {
      status: "ready";
      path: string;
      digest: string;
      bytes: number;
      rows: number;
      supervisedTokens: number;
      facts: TeacherFacts;
    };

async function write(
  ctx: Pick<ServiceContext, "db">,
  claim: TeacherClaim,
  changes: Record<string, unknown>,
): Promise<void> {
  const rows = await ctx.db
    .update(teacherFiles)
    .set(changes)
    .where(and(eq(teacherFiles.id, claim.teacherFileId), eq(teacherFiles.attempt, claim.attempt)))
    .returning({ id: teacherFiles.id });
  if (rows.length === 0)
    throw new ServiceError("STALE_ATTEMPT", say`teacher file ${claim.teacherFileId} was removed or taken over`, {
      remedy: say`nothing to do: the worker that took it over continues`,
    });
}

/** Prolongs the hold and tells how far it is. Fenced by the attempt, as every write. */
export const renewTeacherFile = (
  ctx: Pick<ServiceContext, "db">,
  claim: TeacherClaim,
  changes: Changes,
  leaseSeconds: number,
): Promise<void> =>
  write(ctx, claim, { ...changes, leaseExpiresAt: sql`now() + make_interval(secs => ${leaseSeconds})` });

export const endTeacherFile = (ctx: Pick<ServiceContext, "db" | "now">, claim: TeacherClaim, end: End): Promise<void> =>
  write(ctx, claim, {
    ...end,
    leaseExpiresAt: null,
    ...(end.status === "pending"
      ? { stalledAttempts: sql`${teacherFiles.stalledAttempts} - 1` }
      : { fraction: end.status === "ready" ? 1 : null, finishedAt: ctx.now() }),
  });

/** Files that are owed work: their message or their worker was lost. */
export async function requeueTeacherFiles(ctx: Pick<ServiceContext, "db" | "queue">): Promise<number> {
  return ctx.db.transaction(async (tx) => {
    const rows = await tx.select({ id: teacherFiles.id }).from(teacherFiles).where(waits);
    for (const { id } of rows) await ctx.queue.enqueue(tx, "teacher.make", { teacherFileId: id });
    return rows.length;
  });
}
