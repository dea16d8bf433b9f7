import { api, ServiceError, say } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { audit, verb } from "../verb.ts";
import { lockTeacherFile, toTeacherFile } from "./rows.ts";

const { teacherFiles } = schema;
/** Asks for a teacher's best log-probabilities of a dataset version: a row, and a nudge for a worker that trains. */
export const make = verb(api.teacherFiles.make, async (ctx, input) => {
  const { teacherName } = await ctx.work.ask(ctx, "teacher.check", input);
  const id = newId();
  const row = await ctx.db.transaction(async (tx) => {
    const [made] = await tx
      .insert(teacherFiles)
      .values({
        id,
        name: input.name ?? `${teacherName} best ${input.topK}`,
        input,
        datasetVersionId: input.dataset,
        createdBy: ctx.actor.id,
        createdAt: ctx.now(),
      })
      .returning();
    if (!made) throw new Error("insert returned no row");
    await audit(tx, ctx, "teacher.make", id, { model: input.model, dataset: input.dataset, topK: input.topK });
    await ctx.queue.enqueue(tx, "teacher.make", { teacherFileId: id });
    return made;
  });
  return toTeacherFile(row);
});

/** Makes again what failed. */
export const retry = verb(api.teacherFiles.retry, async (ctx, { teacherFileId }) => {
  const row = await ctx.db.transaction(async (tx) => {
    const found = await lockTeacherFile(tx, teacherFileId);
    if (found.status !== "failed")
      throw new ServiceError(
        "PRECONDITION_FAILED",
        say`the making of ${found.name} has not failed; only what failed is made again`,
        {
          field: "teacherFileId",
          remedy: say`make another file`,
        },
      );
    const [changed] = await tx
      .update(teacherFiles)
      .set({
        status: "pending",
        fraction: null,
        problem: null,
        stalledAttempts: 0,
        notBefore: null,
        queuedAt: ctx.now(),
        finishedAt: null,
      })
      .where(eq(teacherFiles.id, teacherFileId))
      .returning();
    if (!changed) throw new Error("update returned no row");
    await audit(tx, ctx, "teacher.retry", teacherFileId, { name: found.name });
    await ctx.queue.enqueue(tx, "teacher.make", { teacherFileId });
    return changed;
  });
  return toTeacherFile(row);
});
