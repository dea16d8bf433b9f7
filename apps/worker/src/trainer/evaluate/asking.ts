import { type AnswerCounts, automaticAnswerTokens, type RunSpec } from "@anneal/contracts";
import { decodeAnswer, type ReadAnswer, readAnswer, type TextModel } from "@anneal/text";
import type { Question } from "../prepare/held-out.ts";

// How long an answer may become, which questions can be asked under that cap, and what an answer is worth to the comparison.

/** A model's answer to a held-out question; null: the question leaves no room for its answer, so it was never asked. */
export type Said = (ReadAnswer & { cut: boolean }) | null;

type Questions = readonly (Question | null)[];
type Cap = Pick<RunSpec["evaluation"], "maxNewTokens">;

export function answerCap({ maxNewTokens }: Cap, questions: Questions): number {
  if (maxNewTokens !== null) return maxNewTokens;
  const { least, most } = automaticAnswerTokens;
  return questions.reduce<number>((cap, question) => Math.max(cap, Math.min(most, question?.frame.tokens ?? 0)), least);
}

/** Longer answers than the cap cannot be given: exact match says nothing about their rows. */
export const fitsCap = ({ frame }: Question, cap: number): boolean => frame.tokens <= cap;

const longShown = 24; // answers beyond an automatic cap are only read, so a few will do

/** The rows among the first whose questions are asked. */
export function askedRows(evaluation: Cap, questions: Questions, cap: number, rows: number): number[] {
  let long = 0;
  return Array.from({ length: rows }, (_, row) => row).filter((row) => {
    const question = questions[row];
    if (!question) return false;
    return evaluation.maxNewTokens !== null || fitsCap(question, cap) || long++ < longShown;
  });
}

/** Tokens that an answer gets: the cap, or what the context leaves; null where its question leaves too little. */
export function roomFor(question: Question, promptTokens: number, cap: number, context: number): number | null {
  const room = Math.min(cap, context - promptTokens);
  return promptTokens === 0 || room < Math.min(cap, question.frame.tokens) ? null : room;
}

export const saidBy = (
  text: TextModel,
  { frame }: Pick<Question, "frame">,
  { tokens, finish }: { tokens: Int32Array; finish: "stop" | "length" },
): NonNullable<Said> => {
  const cut = finish === "length";
  return { ...readAnswer(frame, decodeAnswer(text, tokens), cut), cut };
};

/** Whether exact match can be asked of an answer: it was given, and could have been the expected one. */
export const isJudged = (question: Question, said: Said | undefined, cap: number): said is NonNullable<Said> =>
  said !== undefined && said !== null && !said.open && fitsCap(question, cap);

const namedRows = 20;

export function countAnswers(
  questions: Questions,
  answers: ReadonlyMap<number, Said>,
  cap: number,
  rows: number,
): AnswerCounts | null {
  const counts = { cap, asked: 0, judged: 0, cut: 0, tooLong: 0, unasked: 0, unaskedRows: [] as number[], thoughts: 0 };
  let known = 0;
  for (let row = 0; row < rows; row++) {
    const question = questions[row];
    const said = answers.get(row);
    if (!question) continue;
    if (!fitsCap(question, cap)) counts.tooLong++;
    if (said === undefined) continue;
    known++;
    if (said === null) {
      counts.unasked++;
      if (counts.unaskedRows.length < namedRows) counts.unaskedRows.push(question.row);
      continue;
    }
    counts.asked++;
    if (said.cut) counts.cut++;
    if (said.thought !== null) counts.thoughts++;
    if (isJudged(question, said, cap)) counts.judged++;
  }
  return known === 0 ? null : counts;
}
