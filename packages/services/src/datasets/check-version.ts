import type { DatasetCheck } from "@anneal/contracts";
import { openVersion } from "@anneal/data";
import type { CheckOptions, TextModelRef } from "@anneal/text";
import type { WorkContext } from "../context.ts";
import { readFacts } from "../models/facts.ts";
import { foreignError } from "../models/foreign-error.ts";
import { textModelOf } from "../models/text-model.ts";
import type { BaseSource } from "../ports.ts";
import { Remembered } from "../remembered.ts";
import type { VersionRow } from "./find-version.ts";
import { withKeys } from "./version-keys.ts";

type Needs = Pick<WorkContext, "engine" | "text">;

// Both sides are immutable: a version by its digest, a model's files by their identity. The form asks after every change.
const remembered = new Remembered<DatasetCheck>(64);

async function runCheck(
  ctx: Needs,
  version: VersionRow,
  model: TextModelRef,
  source: BaseSource,
  options: CheckOptions,
): Promise<DatasetCheck> {
  // What the engine cannot take has no embedding to compare with; rows can be shown all the same.
  const facts = await readFacts(ctx, source).catch(() => null);
  const reader = await openVersion(version.path);
  try {
    return await ctx.text.check(model, withKeys(version, reader), { ...options, embeddingRows: facts?.vocabularySize });
  } catch (error) {
    throw foreignError(error, "dataset"); // a template that refuses a row: the message names the row
  } finally {
    await reader.close();
  }
}

/** What a model makes of a version's rows: tokens, truncation, rows without loss, examples. Same question, same work once. */
export async function checkVersion(
  ctx: Needs,
  version: VersionRow,
  source: BaseSource,
  options: Omit<CheckOptions, "embeddingRows">,
): Promise<DatasetCheck> {
  const model = await textModelOf(ctx, source);
  const { maxSequenceTokens, ...others } = options;
  const rows = [version.digest, model.key, JSON.stringify(others)].join("|");
  const key = `${rows}|${maxSequenceTokens}`;
  const known = remembered.get(key);
  if (known) return known;
  // Where no row was cut, every limit that the longest row keeps gives the same answer.
  const whole = await remembered.get(`${rows}|whole`);
  if (whole && whole.longestTokens <= maxSequenceTokens) return whole;
  // Not bound to one caller's signal: another may be waiting for the same answer.
  const check = await remembered.of(key, () => runCheck(ctx, version, model, source, options));
  if (check.truncatedRows === 0) remembered.set(`${rows}|whole`, check);
  return check;
}
