import { z } from "zod";
import { Bytes, Digest, DisplayName, Id } from "./ids.ts";
import { Phrases } from "./phrase/phrase.ts";
import { strict } from "./strict.ts";
import { wellFormedText } from "./text.ts";

export const DatasetFormat = z.enum([
  "openai-messages",
  "alpaca",
  "sharegpt",
  "prompt-completion",
  "preference",
  "openai-preference",
  "kto",
  "csv",
  "tsv",
  "plain-text",
]);
export type DatasetFormat = z.infer<typeof DatasetFormat>;

/** What the rows of a version are: answers to imitate, two answers of which one is better, or answers marked good or bad. */
export type RowKind = "answers" | "pairs" | "marked";
export const rowKindOf = (format: DatasetFormat): RowKind =>
  format === "preference" || format === "openai-preference" ? "pairs" : format === "kto" ? "marked" : "answers";

export const Role = z.enum(["system", "user", "assistant", "tool"]);
export type Role = z.infer<typeof Role>;

export const Message = z.object({
  role: Role,
  content: z.string(),
  weight: z.number().min(0).max(1).optional(), // of this answer's loss; 0: not trained
  reasoning_content: z.string().min(1).optional(), // what an assistant thought before this answer, without think marks
});
export type Message = z.infer<typeof Message>;

const messages = z.array(Message).min(1);
const source = z.string().min(1).max(200).optional(); // where the row comes from; a run may weigh sources differently

// A question with a better and a worse answer; all are the last turns of one conversation.
export const PairRow = z.object({ prompt: messages, chosen: messages, rejected: messages, source });
export type PairRow = z.infer<typeof PairRow>;
// A question with an answer that somebody liked or did not.
export const MarkedRow = z.object({ prompt: messages, completion: messages, desirable: z.boolean(), source });
export type MarkedRow = z.infer<typeof MarkedRow>;
export const ChatRow = z.object({ messages, source });
export type ChatRow = z.infer<typeof ChatRow>;
export const TextRow = z.object({ text: z.string(), source }); // running text: every token trained
export type TextRow = z.infer<typeof TextRow>;

export const DatasetRow = z.union([ChatRow, TextRow, PairRow, MarkedRow]);
export type DatasetRow = z.infer<typeof DatasetRow>;

/** All messages of a row in order, for whoever shows or measures it; running text is one of the user's. */
export function messagesOf(row: DatasetRow): Message[] {
  if ("text" in row) return [{ role: "user", content: row.text }];
  if ("messages" in row) return row.messages;
  return "chosen" in row ? [...row.prompt, ...row.chosen, ...row.rejected] : [...row.prompt, ...row.completion];
}

// How the columns of a table, or the fields of JSON rows, become a conversation.
const column = wellFormedText().min(1).max(200);
export const ColumnMapping = strict({
  user: column,
  assistant: column,
  system: column.optional(), // a column
  systemText: wellFormedText().max(20_000).optional(), // or the same line for every row
  context: z.array(column).max(20).optional(), // passages that stand before the question, an empty line between
  input: column.optional(), // stands behind the question, as Alpaca's does
  thoughts: column.optional(), // what was thought before the answer
  mark: column.optional(), // whether the answer was liked: the rows are marked answers
  rejected: column.optional(), // a worse answer: the rows are pairs, the better one is the assistant's
});
export type ColumnMapping = z.infer<typeof ColumnMapping>;

export const BadLine = z.object({
  line: z.int().positive(),
  cause: z.string(),
  remedy: z.string(),
  phrases: Phrases.optional(), // of cause and remedy
  excerpt: z.string(),
});
export type BadLine = z.infer<typeof BadLine>;

export const FormatGuess = z.object({
  format: DatasetFormat,
  confidence: z.number().min(0).max(1),
  reason: z.string(),
  phrases: Phrases.optional(), // of reason
  columns: z.array(z.string()),
});
export type FormatGuess = z.infer<typeof FormatGuess>;

/** A field that rows fill and that is not read: a key of the row, or a path within it such as `messages[].name`. */
export const UnusedField = z.object({
  path: z.string(),
  rows: z.int(), // that fill it
  example: z.string(),
  content: z.boolean(), // it may teach something: a person says what it is, or leaves it out
});
export type UnusedField = z.infer<typeof UnusedField>;

export const Note = z.object({ text: z.string(), phrases: Phrases.optional() });
export type Note = z.infer<typeof Note>;

/** Fields of the rows that a person leaves out, by their paths. */
export const LeaveOut = z.array(wellFormedText().min(1).max(200)).max(300);

// The answer to a look at an upload, before a version is made of it.
export const UploadInspection = z.object({
  uploadId: Id,
  fileName: z.string(),
  bytes: Bytes,
  guess: FormatGuess,
  format: DatasetFormat, // the one used: the guess, or the person's override
  mapping: ColumnMapping.nullable(),
  goodRows: z.int(),
  badLines: z.array(BadLine), // the first 200
  badLineCount: z.int(),
  duplicateRows: z.int(),
  notes: z.array(Note).default([]), // what was read otherwise than it is called
  unusedFields: z.array(UnusedField).default([]), // content first
  leaveOut: LeaveOut.default([]), // what was left out of this look
  preview: z.array(DatasetRow), // the first 20 good rows
});
export type UploadInspection = z.infer<typeof UploadInspection>;

export const DatasetVersionSummary = z.object({
  id: Id,
  datasetId: Id,
  digest: Digest,
  number: z.int().positive(),
  rows: z.int(),
  bytes: Bytes,
  format: DatasetFormat,
  badLineCount: z.int(),
  sourceName: z.string(),
  leftOut: z.array(z.string()).default([]), // fields of the file's rows that the version does not hold
  createdAt: z.string(),
});
export type DatasetVersionSummary = z.infer<typeof DatasetVersionSummary>;

export const DatasetSummary = z.object({
  id: Id,
  name: DisplayName,
  createdAt: z.string(),
  runs: z.int(), // that were trained or evaluated on it; it can be removed when there are none
  versions: z.array(DatasetVersionSummary),
});
export type DatasetSummary = z.infer<typeof DatasetSummary>;

/** What a commit gives: the dataset, and which of its versions holds the rows (an older one, where it has the same). */
export const CommittedDataset = DatasetSummary.extend({ versionId: Id, created: z.boolean() });
export type CommittedDataset = z.infer<typeof CommittedDataset>;

// What the loss-mask X-ray shows: text runs in order, each trained or ignored.
export const TokenSpan = z.object({ text: z.string(), tokens: z.int(), trained: z.boolean(), fromUser: z.boolean() });
export type TokenSpan = z.infer<typeof TokenSpan>;
export const AnswerSide = z.enum(["chosen", "rejected", "desirable", "undesirable"]);
export type AnswerSide = z.infer<typeof AnswerSide>;
export const RenderedRow = z.object({
  row: z.int().nonnegative(),
  side: AnswerSide.optional(), // of a preference: which of its answers this is
  spans: z.array(TokenSpan),
  tokens: z.int(),
  supervisedTokens: z.int(),
  truncated: z.boolean(),
  unfollowed: z.boolean().optional(), // an answer of it does not follow the prompt that serving sends, or loses its thought
});
export type RenderedRow = z.infer<typeof RenderedRow>;

export const DatasetCheck = z.object({
  rows: z.int(),
  tokens: z.int(),
  supervisedTokens: z.int(),
  truncatedRows: z.int(),
  zeroTargetRows: z.int(),
  unfollowedRows: z.int().default(0), // see RenderedRow
  firstUnfollowed: z.array(z.int()).default([]), // the first of them by number, from 0
  troubledRows: z.int().default(0), // cut, without loss or unfollowed; each row once
  longestTokens: z.int(),
  sources: z.record(z.string(), z.int()).default({}), // rows by source, where they name one; the first hundred sources
  histogram: z.array(z.object({ upToTokens: z.int(), rows: z.int() })),
  examples: z.array(RenderedRow),
});
export type DatasetCheck = z.infer<typeof DatasetCheck>;
