import { countHeldOut, type DatasetRow, type Message } from "@anneal/contracts";
import { dataOrder } from "@anneal/text";

// The epoch number that the split's permutation is drawn with; no training reaches it.
const splitEpoch = 0x7fffffff;

/** Rows in an order that depends on the seed alone; the first of them are the held-out ones, best asked first. */
export function heldOutOrder(rows: number, wanted: number, seed: number): Uint32Array {
  return dataOrder(rows, seed, splitEpoch).subarray(0, Math.min(rows, wanted));
}

export interface Split {
  /** Row numbers of the dataset that are not trained. */
  excluded: ReadonlySet<number>;
  /** Row numbers of the evaluation source, in the order they are asked in, at most `finalMaxRows`. */
  asked: Uint32Array;
  /** All held-out rows, before that cap. */
  heldOutRows: number;
}

/** Which rows are trained and which asked: a pure function of sizes, settings and seed. */
export function splitRows(o: {
  rows: number;
  evaluationRows: number | null; // of a held-out dataset; null: rows are split off
  heldOutFraction: number;
  finalMaxRows: number;
  seed: number;
}): Split {
  if (o.evaluationRows !== null) {
    const asked = heldOutOrder(o.evaluationRows, o.finalMaxRows, o.seed);
    return { excluded: new Set(), asked, heldOutRows: o.evaluationRows };
  }
  const heldOut = heldOutOrder(o.rows, countHeldOut(o.rows, o.heldOutFraction), o.seed);
  return {
    excluded: new Set(heldOut),
    asked: heldOut.subarray(0, o.finalMaxRows),
    heldOutRows: heldOut.length,
  };
}

/** A held-out row as it is asked: everything before the last answer, and that answer. */
export interface Question {
  row: number; // its number in the evaluation source
  prompt: Message[];
  expected: string;
}

const answerIn = (messages: readonly Message[]): string | null =>
  messages.findLast(({ role }) => role === "assistant")?.content ?? null;

/** Null: running text, a conversation without an answer at its end, an answer nobody wants; only losses are measured. */
export function questionOf(row: number, data: DatasetRow): Question | null {
  if ("prompt" in data) {
    const expected = "chosen" in data ? answerIn(data.chosen) : data.desirable ? answerIn(data.completion) : null;
    return expected === null ? null : { row, prompt: data.prompt, expected };
  }
  if (!("messages" in data)) return null;
  const at = data.messages.findLastIndex(({ role }) => role === "assistant");
  const answer = data.messages[at];
  if (!answer || at === 0) return null;
  return { row, prompt: data.messages.slice(0, at), expected: answer.content };
}

/** A held-out preference as the report shows it; null: the row is none. */
export interface PreferenceTexts {
  prompt: string; // its last question
  chosen: string | null;
  rejected: string | null;
}
export function preferenceTextsOf(data: DatasetRow): PreferenceTexts | null {
  if (!("prompt" in data)) return null;
  const prompt = data.prompt.findLast(({ role }) => role === "user")?.content ?? "";
  if ("chosen" in data) return { prompt, chosen: answerIn(data.chosen), rejected: answerIn(data.rejected) };
  const answer = answerIn(data.completion);
  return { prompt, chosen: data.desirable ? answer : null, rejected: data.desirable ? null : answer };
}

/** The rule of "exact match": the answers without outer blanks are equal, character by character. */
export const matchRule = "the answer without outer blanks equals the expected one, character by character";
export const isExactMatch = (answer: string, expected: string): boolean => answer.trim() === expected.trim();
