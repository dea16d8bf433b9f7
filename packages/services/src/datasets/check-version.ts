import type { DatasetCheck } from "@anneal/contracts";
import { openVersion } from "@anneal/data";
import { checkDataset } from "@anneal/text";
import type { ServiceContext } from "../context.ts";
import { identityOf } from "../models/facts.ts";
import { foreignError } from "../models/foreign-error.ts";
import { textModelOf } from "../models/text-model.ts";
import type { BaseSource } from "../ports.ts";
import type { VersionRow } from "./find-version.ts";

// Both sides are immutable: a version by its digest, a model's files by their identity. The form asks after every change.
const remembered = new Map<string, Promise<DatasetCheck>>();
const mostRemembered = 64;

async function runCheck(
  ctx: Pick<ServiceContext, "engine">,
  version: VersionRow,
  source: BaseSource,
  options: { maxSequenceTokens: number; examples: number },
): Promise<DatasetCheck> {
  const model = await textModelOf(ctx, source);
  const reader = await openVersion(version.path);
  try {
    return await checkDataset(model, reader.all(), options);
  } catch (error) {
    throw foreignError(error, "dataset"); // a template that refuses a row: the message names the row
  } finally {
    await reader.close();
  }
}

/** What a model makes of a version's rows: tokens, truncation, rows without loss, examples. Same question, same work once. */
export async function checkVersion(
  ctx: Pick<ServiceContext, "engine">,
  version: VersionRow,
  source: BaseSource,
  options: { maxSequenceTokens: number; examples: number },
): Promise<DatasetCheck> {
  const identity = await identityOf(source).catch((error: unknown) => {
    throw foreignError(error, "base");
  });
  const rows = [version.digest, identity, options.examples].join("|");
  const key = `${rows}|${options.maxSequenceTokens}`;
  const known = remembered.get(key);
  if (known) return known;
  // Where no row was cut, every limit that the longest row keeps gives the same answer.
  const whole = await remembered.get(`${rows}|whole`);
  if (whole && whole.longestTokens <= options.maxSequenceTokens) return whole;
  // Not bound to one caller's signal: another may be waiting for the same answer.
  const work = runCheck(ctx, version, source, options);
  remembered.set(key, work);
  work.then(
    (check) => check.truncatedRows === 0 && remembered.set(`${rows}|whole`, work),
    () => remembered.delete(key), // a failure is told to who asked, and tried again next time
  );
  for (const oldest of remembered.keys()) {
    if (remembered.size <= mostRemembered) break;
    remembered.delete(oldest);
  }
  return work;
}
