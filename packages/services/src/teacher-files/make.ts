import { api, rowKindOf, ServiceError, say, type Words } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { findVersion } from "../datasets/find-version.ts";
import { readFacts } from "../models/facts.ts";
import { atField, foreignError } from "../models/foreign-error.ts";
import { resolveBase } from "../models/resolve-base.ts";
import { textModelOf } from "../models/text-model.ts";
import { audit, verb } from "../verb.ts";
import { lockTeacherFile, toTeacherFile } from "./rows.ts";

const { teacherFiles } = schema;
const refuse = (field: string, message: Words, remedy: Words) =>
  new ServiceError("INVALID_INPUT", say`${field}: ${message}`, { field, remedy });

/** Asks for a teacher's best log-probabilities of a dataset version: a row, and a nudge for a worker that trains. */
export const make = verb(api.teacherFiles.make, async (ctx, input) => {
  const version = await findVersion(ctx, input.dataset, "dataset");
  if (rowKindOf(version.format) === "marked")
    throw refuse(
      "dataset",
      say`its rows are answers marked as liked or disliked`,
      say`choose rows that are answers to imitate`,
    );
  const read = async (ref: string, field: "model" | "base") => {
    try {
      const found = await resolveBase(ctx, ref);
      const facts = await readFacts(ctx, found.source);
      return { found, facts, text: await ctx.text.facts(await textModelOf(ctx, found.source), facts.vocabularySize) };
    } catch (error) {
      throw atField(foreignError(error, field), field);
    }
  };
  const teacher = await read(input.model, "model");
  if (input.topK > teacher.facts.vocabularySize)
    throw refuse("topK", say`the teacher knows ${teacher.facts.vocabularySize} tokens`, say`lower topK`);
  if (input.maxSequenceTokens > teacher.facts.contextTokens)
    throw refuse(
      "maxSequenceTokens",
      say`${input.maxSequenceTokens} is above the teacher's context of ${teacher.facts.contextTokens} tokens`,
      say`set it to ${teacher.facts.contextTokens} or less`,
    );
  if (input.base) {
    const base = await read(input.base, "base");
    if (base.text.vocabularySize !== teacher.text.vocabularySize || base.text.tokenizer !== teacher.text.tokenizer)
      throw refuse("base", say`it has another tokenizer than the teacher`, say`choose two models of one tokenizer`);
  }
  const id = newId();
  const row = await ctx.db.transaction(async (tx) => {
    const [made] = await tx
      .insert(teacherFiles)
      .values({
        id,
        name: input.name ?? `${teacher.found.name} best ${input.topK}`,
        input,
        datasetVersionId: version.id,
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
      .set({ status: "pending", fraction: null, problem: null, stalledAttempts: 0, finishedAt: null })
      .where(eq(teacherFiles.id, teacherFileId))
      .returning();
    if (!changed) throw new Error("update returned no row");
    await audit(tx, ctx, "teacher.retry", teacherFileId, { name: found.name });
    await ctx.queue.enqueue(tx, "teacher.make", { teacherFileId });
    return changed;
  });
  return toTeacherFile(row);
});
