import { rowKindOf, ServiceError, say, type TeacherFileInput, type Words } from "@anneal/contracts";
import type { WorkContext } from "../context.ts";
import { findVersion } from "../datasets/find-version.ts";
import { readFacts } from "../models/facts.ts";
import { atField, foreignError } from "../models/foreign-error.ts";
import { resolveBase } from "../models/resolve-base.ts";
import { textModelOf } from "../models/text-model.ts";

const refuse = (field: string, message: Words, remedy: Words) =>
  new ServiceError("INVALID_INPUT", say`${field}: ${message}`, { field, remedy });

/** Whether a teacher can say its best tokens of these rows, and its name. */
export async function checkTeacher(ctx: WorkContext, input: TeacherFileInput): Promise<{ teacherName: string }> {
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
  return { teacherName: teacher.found.name };
}
