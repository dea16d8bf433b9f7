import {
  type DatasetRow,
  isPairwise,
  isPreference,
  messagesOf,
  type RunSpec,
  ServiceError,
  say,
} from "@anneal/contracts";
import {
  answersFor,
  type EncodedRow,
  encodeMarked,
  encodePair,
  encodeRow,
  kindOfRow,
  neverEnds,
  type TextModel,
  tooMuch,
} from "@anneal/text";
import { withinSeconds } from "../context/deadline.ts";
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

const secondsForRows = 60;
const rowsAtOnce = 32;
const charactersAtOnce = 1 << 17;

const rowWords = { answers: say`answers`, pairs: say`pairs`, marked: say`marked` };

const wrongKind = (row: DatasetRow, kind: string) =>
  new ServiceError("INVALID_INPUT", say`${kind} cannot learn from rows that are ${rowWords[kindOfRow(row)]}`, {
    field: "objective.kind",
    remedy: say`choose an objective that goes with the dataset's rows`,
  });

interface Encoding {
  row: number; // of what is encoded, from 1
  characters: number;
  run(): EncodedRow[];
}

/**
 * The sequences of every row, in order: one of an answer to imitate (of a pair, the chosen one), two of a pair, two of a
 * marked answer, whose second is measured with the next row's answer (the last row's with the first one's). A row that the
 * tokenizer's patterns or the template are at for too long is refused by its number.
 */
export async function* encodeRows(
  model: TextModel,
  rows: Rows,
  spec: Needs,
  seconds = secondsForRows,
): AsyncGenerator<EncodedRow[]> {
  let waiting: Encoding[] = [];
  let characters = 0;
  for await (const encoding of encodings(model, rows, spec)) {
    waiting.push(encoding);
    characters += encoding.characters;
    if (waiting.length < rowsAtOnce && characters < charactersAtOnce) continue;
    yield* encodeInTime(waiting, seconds);
    waiting = [];
    characters = 0;
  }
  yield* encodeInTime(waiting, seconds);
}

// Rows share a deadline: to set one costs more than a short row.
function encodeInTime(encodings: readonly Encoding[], seconds: number): EncodedRow[][] {
  let row = 0;
  const work = () =>
    encodings.map((encoding) => {
      row = encoding.row;
      return encoding.run();
    });
  try {
    return withinSeconds(seconds, work, () =>
      neverEnds(`row ${row}`, say`reading it by the tokenizer and the chat template`, seconds),
    );
  } catch (error) {
    throw error instanceof RangeError ? tooMuch(error) : error;
  }
}

async function* encodings(model: TextModel, rows: Rows, spec: Needs): AsyncGenerator<Encoding> {
  const { kind } = spec.objective;
  const optionsOf = ({ source }: DatasetRow) => ({
    maxSequenceTokens: spec.maxSequenceTokens,
    weight: source === undefined ? 1 : (spec.sourceWeights[source] ?? 1),
  });
  if (kind === "kto") {
    yield* markedEncodings(model, rows, { maxSequenceTokens: spec.maxSequenceTokens });
    return;
  }
  let number = 0;
  for await (const row of rows) {
    number++;
    if ("completion" in row || (isPairwise(kind) && !("chosen" in row))) throw wrongKind(row, kind);
    const characters = charactersOf(row);
    if (isPairwise(kind) && "chosen" in row)
      yield { row: number, characters, run: () => encodePair(model, row, optionsOf(row)) };
    else {
      const [answer] = answersFor(row, kind);
      if (answer) yield { row: number, characters, run: () => [encodeRow(model, answer.row, optionsOf(row))] };
    }
  }
}

async function* markedEncodings(
  model: TextModel,
  rows: Rows,
  options: { maxSequenceTokens: number },
): AsyncGenerator<Encoding> {
  let first: Marked | null = null;
  let waiting: Marked | null = null;
  let number = 0;
  const encoding = (row: Marked, other: Marked): Encoding => ({
    row: number,
    characters: charactersOf(row) + charactersOf(other),
    run: () => encodeMarked(model, row, other.completion, options),
  });
  for await (const row of rows) {
    if (!("completion" in row)) throw wrongKind(row, "kto");
    if (waiting) yield encoding(waiting, row);
    number++;
    first ??= row;
    waiting = row;
  }
  if (waiting && first) yield encoding(waiting, first);
}

const charactersOf = (row: DatasetRow): number => messagesOf(row).reduce((sum, { content }) => sum + content.length, 0);
