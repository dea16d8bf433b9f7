import { createHash } from "node:crypto";
import type { DatasetRow, Message } from "@anneal/contracts";
import { canonicalLine } from "./canonical.ts";

/**
 * What rows have in common, as 64 bits of a digest each: the row as the canonical line spells it (weights and source apart, which are no
 * text), its question, and its answer. Rows with one key are one row; ten million of them take 240 MB.
 */
export interface RowKeys {
  rows: BigUint64Array;
  questions: BigUint64Array;
  answers: BigUint64Array;
}

const sliceMilliseconds = 20;
const digest = (text: string): bigint => createHash("sha256").update(text).digest().readBigUInt64LE(0);
const bare = ({ weight: _, ...message }: Message): Message => message;

function bareRow(row: DatasetRow): DatasetRow {
  if ("text" in row) return { text: row.text };
  if ("messages" in row) return { messages: row.messages.map(bare) };
  const prompt = row.prompt.map(bare);
  if ("chosen" in row) return { prompt, chosen: row.chosen.map(bare), rejected: row.rejected.map(bare) };
  return { prompt, completion: row.completion.map(bare), desirable: row.desirable };
}

function parts(row: DatasetRow): { question: string; answer: string } {
  if ("text" in row) return { question: row.text, answer: "" };
  if ("prompt" in row) return { question: JSON.stringify(row.prompt.map(bare)), answer: "" };
  const at = row.messages.findLastIndex(({ role }) => role === "assistant");
  const prompt = at < 0 ? row.messages : row.messages.slice(0, at);
  return { question: JSON.stringify(prompt.map(bare)), answer: row.messages[at]?.content.trim() ?? "" };
}

/** Gathers the keys of so many rows, given one by one. */
export function rowKeysOf(count: number): { keys: RowKeys; add(row: DatasetRow): void } {
  const keys: RowKeys = {
    rows: new BigUint64Array(count),
    questions: new BigUint64Array(count),
    answers: new BigUint64Array(count),
  };
  let i = 0;
  return {
    keys,
    add(row) {
      const { question, answer } = parts(row);
      keys.rows[i] = digest(canonicalLine(bareRow(row)));
      keys.questions[i] = digest(question);
      keys.answers[i++] = digest(answer);
    },
  };
}

export async function rowKeys(
  rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
  count: number,
  onRow: (row: number) => void = () => undefined,
): Promise<RowKeys> {
  const { keys, add } = rowKeysOf(count);
  let i = 0;
  let pause = performance.now() + sliceMilliseconds;
  for await (const row of rows) {
    add(row);
    onRow(i++);
    // One thread serves others too: let them in between.
    if (performance.now() >= pause) {
      await new Promise((next) => setImmediate(next));
      pause = performance.now() + sliceMilliseconds;
    }
  }
  return keys;
}
