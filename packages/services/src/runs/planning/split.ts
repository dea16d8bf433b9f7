import { type PlanWarning, type RunSpec, told } from "@anneal/contracts";
import { openVersion, type RowKeys, rowKeys } from "@anneal/data";
import { type Split, splitNotice, splitRows } from "@anneal/text";
import type { VersionRow } from "../../datasets/find-version.ts";
import { forgetOldest } from "../../forget-oldest.ts";
import { foreignError } from "../../models/foreign-error.ts";

// Versions are immutable, and the form asks after every change.
const remembered = new Map<string, Promise<RowKeys>>();
const mostRemembered = 4;

async function readKeys({ path }: VersionRow): Promise<RowKeys> {
  const reader = await openVersion(path);
  try {
    return await rowKeys(reader.all(), reader.rows);
  } finally {
    await reader.close();
  }
}

function keysOf(version: VersionRow): Promise<RowKeys> {
  const known = remembered.get(version.digest);
  if (known) return known;
  const work = readKeys(version);
  remembered.set(version.digest, work);
  work.catch(() => remembered.delete(version.digest));
  forgetOldest(remembered, mostRemembered);
  return work;
}

/** Which rows the run will train and ask, as its trainer splits them, and what to know of it. */
export async function planSplit(
  spec: RunSpec,
  dataset: VersionRow,
  evaluation: VersionRow | null,
): Promise<{ split: Split; warnings: PlanWarning[] }> {
  try {
    const { heldOutFraction, finalMaxRows } = spec.evaluation;
    const split = splitRows({
      training: await keysOf(dataset),
      evaluation: evaluation ? await keysOf(evaluation) : null,
      heldOutFraction,
      finalMaxRows,
      seed: spec.seed,
    });
    const notice = splitNotice(split);
    const field = evaluation ? "evaluation.dataset" : "dataset";
    return { split, warnings: notice ? [{ field, ...told({ message: notice, remedy: null }) }] : [] };
  } catch (error) {
    throw foreignError(error, "dataset");
  }
}
