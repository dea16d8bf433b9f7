import { type DatasetRow, isPairwise, isPreference, type RunSpec, ServiceError, say } from "@anneal/contracts";
import {
  answersOf,
  type EncodedRow,
  encodeMarked,
  encodePair,
  encodeRow,
  kindOfRow,
  type TextModel,
} from "@anneal/text";
import type { Sequences } from "./batches.ts";

type Marked = Extract<DatasetRow, { completion: unknown }>;
type Rows = AsyncIterable<DatasetRow> | Iterable<DatasetRow>;
type Needs = Pick<RunSpec, "objective" | "maxSequenceTokens" | "sourceWeights">;

/** How many sequences of a shard one row becomes. */
export const sequencesPerRow = ({ kind }: RunSpec["objective"]): Sequences => (isPreference(kind) ? 2 : 1);

/** What shards are made of beside rows and model, for their key in the cache. */
export const encodingOf = ({ objective, maxSequenceTokens, sourceWeights }: Needs) => ({
  examples: objective.kind === "kto" ? "marked" : isPairwise(objective.kind) ? "pairs" : "answers",
  maxSequenceTokens,
  sourceWeights,
});

const rowWords = { answers: say`answers`, pairs: say`pairs`, marked: say`marked` };

const wrongKind = (row: DatasetRow, kind: string) =>
  new ServiceError("INVALID_INPUT", say`${kind} cannot learn from rows that are ${rowWords[kindOfRow(row)]}`, {
    field: "objective.kind",
    remedy: say`choose an objective that goes with the dataset's rows`,
  });

/**
 * The sequences of every row, in order: one of an answer to imitate (of a pair, the chosen one), two of a pair, two of a
 * marked answer, whose second is measured with the next row's answer (the last row's with the first one's).
 */
export async function* encodeRows(model: TextModel, rows: Rows, spec: Needs): AsyncGenerator<EncodedRow[]> {
  const { kind } = spec.objective;
  const optionsOf = ({ source }: DatasetRow) => ({
    maxSequenceTokens: spec.maxSequenceTokens,
    weight: source === undefined ? 1 : (spec.sourceWeights[source] ?? 1),
  });
  if (kind === "kto") {
    yield* encodeAllMarked(model, rows, { maxSequenceTokens: spec.maxSequenceTokens });
    return;
  }
  for await (const row of rows) {
    if ("completion" in row || (isPairwise(kind) && !("chosen" in row))) throw wrongKind(row, kind);
    if (isPairwise(kind) && "chosen" in row) yield encodePair(model, row, optionsOf(row));
    else {
      const [answer] = answersOf(row);
      if (answer) yield [encodeRow(model, answer.row, optionsOf(row))];
    }
  }
}

async function* encodeAllMarked(model: TextModel, rows: Rows, options: { maxSequenceTokens: number }) {
  let first: Marked | null = null;
  let waiting: Marked | null = null;
  for await (const row of rows) {
    if (!("completion" in row)) throw wrongKind(row, "kto");
    if (waiting) yield encodeMarked(model, waiting, row.completion, options);
    first ??= row;
    waiting = row;
  }
  if (waiting && first) yield encodeMarked(model, waiting, first.completion, options);
}
