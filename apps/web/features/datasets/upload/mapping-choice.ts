import type { ColumnMapping, DatasetFormat, UnusedField, UploadInspection } from "@anneal/contracts";

/** What a field that is not read yet can be used as. */
export const fieldUses = ["system", "context", "input", "thoughts", "mark", "rejected"] as const;
export type FieldUse = (typeof fieldUses)[number];

/** The mapping with one more field in it. */
export const withUse = (mapping: ColumnMapping, use: FieldUse, field: string): ColumnMapping =>
  use === "context" ? { ...mapping, context: [...(mapping.context ?? []), field] } : { ...mapping, [use]: field };

/** Fields that a person still has to decide about. */
export const undecided = ({ unusedFields }: UploadInspection, leaveOut: readonly string[]): UnusedField[] =>
  unusedFields.filter(({ path, content }) => content && !leaveOut.includes(path));

const namedFields = new Set<DatasetFormat>(["csv", "tsv", "prompt-completion", "alpaca", "preference", "kto"]);

/** Whether a person may say which fields are question and answer: a format that finds them by name, or nothing was found. */
export const canMap = ({ format, goodRows, guess }: UploadInspection): boolean =>
  guess.columns.length > 1 && (namedFields.has(format) || (goodRows === 0 && format !== "plain-text"));
