import {
  type AnswerSide,
  type ChatRow,
  type DatasetRow,
  isPairwise,
  type Message,
  type ObjectiveSpec,
  type RowKind,
  type TextRow,
} from "@anneal/contracts";
import type { TextModel } from "../model/text-model.ts";
import { type EncodedRow, encodeRow, type Mark, type RowOptions } from "./encode-row.ts";

// A row of a preference is several conversations: its question with each of its answers. Only the answer is trained.

export interface Answer {
  side: AnswerSide | null; // null: the row is one conversation, or running text
  row: ChatRow | TextRow;
}

const unweighed = ({ weight: _, ...message }: Message): Message => message;

/** The question, of which nothing is trained, with an answer. */
const withAnswer = (prompt: readonly Message[], answer: readonly Message[]): ChatRow => ({
  messages: [...prompt.map((message): Message => ({ ...unweighed(message), weight: 0 })), ...answer.map(unweighed)],
});

export const kindOfRow = (row: DatasetRow): RowKind =>
  "chosen" in row ? "pairs" : "completion" in row ? "marked" : "answers";

/** The conversations that a row holds, in the order in which they are trained. */
export function answersOf(row: DatasetRow): Answer[] {
  if ("chosen" in row)
    return [
      { side: "chosen", row: withAnswer(row.prompt, row.chosen) },
      { side: "rejected", row: withAnswer(row.prompt, row.rejected) },
    ];
  if ("completion" in row)
    return [{ side: row.desirable ? "desirable" : "undesirable", row: withAnswer(row.prompt, row.completion) }];
  return [{ side: null, row }];
}

/** Of these, what an objective trains: of a pair imitated, the chosen answer alone. Without an objective, all. */
export function answersFor(row: DatasetRow, objective: ObjectiveSpec["kind"] | undefined): Answer[] {
  const answers = answersOf(row);
  return "chosen" in row && objective !== undefined && !isPairwise(objective) ? answers.slice(0, 1) : answers;
}

/** A marked row's question with another row's answer. */
export const measuredAnswer = (row: Extract<DatasetRow, { completion: unknown }>, other: readonly Message[]): ChatRow =>
  withAnswer(row.prompt, other);

/** A pair as two sequences, the chosen answer first. */
export function encodePair(
  model: TextModel,
  row: Extract<DatasetRow, { chosen: unknown }>,
  options: RowOptions,
): EncodedRow[] {
  return answersOf(row).map(({ side, row: one }) => ({
    ...encodeRow(model, one, options),
    mark: (side === "chosen" ? 1 : 0) as Mark,
  }));
}

/**
 * A marked answer as two sequences: itself, and the question with another row's answer, by which KTO measures how far the
 * model has moved from where it began.
 */
export function encodeMarked(
  model: TextModel,
  row: Extract<DatasetRow, { completion: unknown }>,
  other: readonly Message[],
  options: RowOptions,
): EncodedRow[] {
  return [
    { ...encodeRow(model, withAnswer(row.prompt, row.completion), options), mark: row.desirable ? 1 : 0 },
    { ...encodeRow(model, measuredAnswer(row, other), options), mark: 2 },
  ];
}
