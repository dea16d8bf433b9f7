import { type PlanWarning, type RunSpec, told } from "@anneal/contracts";
import { type Split, splitNotice, splitRows } from "@anneal/text";
import type { VersionRow } from "../../datasets/find-version.ts";
import { keysOf } from "../../datasets/version-keys.ts";
import { foreignError } from "../../models/foreign-error.ts";

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
