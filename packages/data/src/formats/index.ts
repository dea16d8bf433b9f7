import type { ColumnMapping, DatasetFormat, DatasetRow } from "@anneal/contracts";
import type { Refusal } from "../outcome.ts";
import { readAlpaca, readPromptCompletion } from "./instructions.ts";
import type { Keys } from "./keys.ts";
import type { MappedOptions } from "./mapped.ts";
import { readKto } from "./marks.ts";
import { readOpenaiMessages, readSharegpt } from "./messages.ts";
import { readOpenaiPreference, readPreference } from "./preferences.ts";

/** Formats whose rows are named fields. */
export type FieldFormat = Exclude<DatasetFormat, "csv" | "tsv" | "plain-text">;
export interface FieldOptions extends MappedOptions {
  mark: string | undefined; // the column that marks answers, as the file's first rows show it
}

/** A row as its format reads it. A reader takes the keys that it uses; the others are known to be left. */
export function readFields(
  format: FieldFormat,
  keys: Keys,
  mapping: ColumnMapping | null,
  o: FieldOptions,
): DatasetRow | Refusal {
  switch (format) {
    case "openai-messages":
      return readOpenaiMessages(keys, o.cap);
    case "sharegpt":
      return readSharegpt(keys, o.cap);
    case "alpaca":
      return readAlpaca(keys, mapping, o);
    case "prompt-completion":
      return readPromptCompletion(keys, mapping, o);
    case "preference":
      return readPreference(keys, mapping, o);
    case "openai-preference":
      return readOpenaiPreference(keys, o.cap);
    case "kto":
      return readKto(keys, mapping, o);
  }
}
