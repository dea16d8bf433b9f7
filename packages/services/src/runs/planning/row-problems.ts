import {
  type DatasetCheck,
  isPairwise,
  type Phrase,
  type Problem,
  type RowKind,
  type RunSpec,
  rowKindOf,
  say,
  told,
  trainsFormat,
  type Words,
} from "@anneal/contracts";
import type { VersionRow } from "../../datasets/find-version.ts";

const words: Record<RowKind, Phrase> = {
  answers: say`answers to imitate`,
  pairs: say`preference pairs`,
  marked: say`answers marked as liked or disliked`,
};
const objectives: Record<RowKind, Words> = {
  answers: say`sft or distill`,
  pairs: say`dpo, ipo, orpo or simpo (or sft, which imitates the chosen answers)`,
  marked: "kto",
};
const wantedBy = (kind: RunSpec["objective"]["kind"]): RowKind =>
  kind === "kto" ? "marked" : isPairwise(kind) ? "pairs" : "answers";

/** What is said where rows of a format are not what an objective learns from. */
export function kindProblem(
  kind: RunSpec["objective"]["kind"],
  format: VersionRow["format"],
  field: string,
): Problem | null {
  if (trainsFormat(kind, format)) return null;
  const wanted = wantedBy(kind);
  const has = rowKindOf(format);
  return {
    code: "INVALID_INPUT",
    field,
    ...told({
      message: say`${field}: ${say`${kind} needs ${words[wanted]}; this dataset has ${words[has]}`}`,
      remedy:
        field === "evaluation.dataset"
          ? say`choose rows that are ${words[wanted]}`
          : say`set objective.kind to ${objectives[has]}, or choose another dataset`,
    }),
  };
}

/** Whether the rows, those trained and those held out, are what the objective learns from. */
export function rowProblems(
  spec: RunSpec,
  dataset: Pick<VersionRow, "format">,
  evaluation: Pick<VersionRow, "format"> | null,
): Problem[] {
  const { kind } = spec.objective;
  const problem =
    kindProblem(kind, dataset.format, "objective.kind") ??
    (evaluation && kindProblem(kind, evaluation.format, "evaluation.dataset"));
  return problem ? [problem] : [];
}

/** Sources that are weighed must be there. */
export function sourceProblems(spec: RunSpec, data: DatasetCheck): Problem[] {
  const known = Object.keys(data.sources);
  const unknown = Object.keys(spec.sourceWeights).filter((name) => !known.includes(name));
  if (unknown.length === 0) return [];
  return [
    {
      code: "INVALID_INPUT",
      field: "sourceWeights",
      ...told({
        message: say`sourceWeights: no row comes from ${unknown.slice(0, 5).join(", ")}`,
        remedy:
          known.length > 0
            ? say`the rows' sources are ${known.slice(0, 8).join(", ")}`
            : say`give the rows a "source", or leave sourceWeights empty`,
      }),
    },
  ];
}
