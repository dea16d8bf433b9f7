import { rm } from "node:fs/promises";
import { api, finalStatuses, ServiceError, say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, count, eq, notInArray, sql } from "drizzle-orm";
import { audit, verb } from "../verb.ts";
import { lockTeacherFile, teacherFolder } from "./rows.ts";

const { runs, teacherFiles } = schema;

/** A teacher's file with its row; runs that still need it keep it. One that is being made stops at its next sign of life. */
export const remove = verb(api.teacherFiles.remove, async (ctx, { teacherFileId }) => {
  await ctx.db.transaction(async (tx) => {
    const { name } = await lockTeacherFile(tx, teacherFileId);
    const [used] = await tx
      .select({ runs: count() })
      .from(runs)
      .where(
        and(
          sql`${runs.spec}->'objective'->>'teacherFile' = ${teacherFileId}`,
          notInArray(runs.status, [...finalStatuses]),
        ),
      );
    if (used && used.runs > 0)
      throw new ServiceError(
        "PRECONDITION_FAILED",
        used.runs === 1
          ? say`1 unfinished run learns from ${name}`
          : say`${used.runs} unfinished [run learns|runs learn] from ${name}`,
        { field: "teacherFileId", remedy: say`cancel those runs or let them finish first` },
      );
    await audit(tx, ctx, "teacher.remove", teacherFileId, { name });
    await ctx.queue.withdraw(tx, "teacher.make", { teacherFileId });
    await tx.delete(teacherFiles).where(eq(teacherFiles.id, teacherFileId));
  });
  await rm(teacherFolder(ctx.paths, teacherFileId), { recursive: true, force: true });
  return { removed: true };
});
