import { type DatasetRow, type Message, say } from "@anneal/contracts";
import { type AnswerFrame, answerFrame, expectedAnswer, type TextModel } from "@anneal/text";

const longestLabel = 120; // characters

/** Whether rows are answered by labels: few answers for many rows, and short ones. */
export function areLabels(answers: number, rows: number, heldOut: readonly DatasetRow[]): boolean {
  const isShort = (row: DatasetRow) => "messages" in row && (answerIn(row.messages)?.length ?? 0) <= longestLabel;
  return answers >= 2 && answers * 2 <= rows && heldOut.every(isShort);
}

/** A held-out row as it is asked: everything before the last answer, and that answer. */
export interface Question {
  row: number; // its number in the evaluation source
  prompt: Message[];
  expected: string; // without a thought before it
  frame: AnswerFrame; // what the template places around the answer
}

const lastAnswer = (messages: readonly Message[]) => messages.findLast(({ role }) => role === "assistant");
const answerIn = (messages: readonly Message[]): string | null => lastAnswer(messages)?.content ?? null;

/** Null: running text, a conversation without an answer at its end, an answer nobody wants; only losses are measured. */
export function questionOf(text: TextModel, row: number, data: DatasetRow): Question | null {
  const asked = askedIn(data);
  if (!asked) return null;
  const { prompt, answer } = asked;
  return { row, prompt, expected: expectedAnswer(answer.content), frame: answerFrame(text, prompt, answer) };
}

function askedIn(data: DatasetRow): { prompt: Message[]; answer: Message } | null {
  if ("prompt" in data) {
    const answer = "chosen" in data ? lastAnswer(data.chosen) : data.desirable ? lastAnswer(data.completion) : null;
    return answer ? { prompt: data.prompt, answer } : null;
  }
  if (!("messages" in data)) return null;
  const at = data.messages.findLastIndex(({ role }) => role === "assistant");
  const answer = data.messages[at];
  return answer && at > 0 ? { prompt: data.messages.slice(0, at), answer } : null;
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
export const matchRule = say`the answer, without outer blanks, thoughts before it and what the chat template adds, equals the expected one, character by character`;
export const isExactMatch = (answer: string, expected: string): boolean => answer.trim() === expected.trim();
