import type { EvaluationResult, RunSpec, RunStage } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import { decodeAnswer, encodePrompt } from "@anneal/text";
import { microBatches } from "./batches.ts";
import { engineCall } from "./engine-call.ts";
import { isExactMatch } from "./held-out.ts";
import { heartbeat, type Job } from "./job.ts";
import type { Prepared } from "./prepare.ts";

export interface RowLoss {
  lossSum: number;
  tokens: number;
  correct: number; // tokens that were the first choice
}

/** What is known of the held-out rows: each row's loss, and its answer where it asks something. */
export interface Measured {
  losses: Map<number, RowLoss>;
  answers: Map<number, string>;
}
export const nothingMeasured = (): Measured => ({ losses: new Map(), answers: new Map() });

export interface MeasureOptions {
  baseOnly: boolean; // LoRA: leave the adapter out
  rows: number; // the first so many held-out rows
  stage: RunStage;
  step: number;
  onRows?: (done: number, total: number) => void;
  /** Keeps what was measured, so that an attempt after a crash need not do it again. */
  keep?: (part: { losses?: [number, RowLoss][]; answers?: [number, string][] }) => void;
}

const answersAtOnce = 64;
const rowsAtOnce = 256; // a batch plan looks at these rows together

/** Loss and greedy answers of the first rows, after what `known` already holds. Same batches, so same bits, in every attempt. */
export async function measure(
  job: Job,
  session: Session,
  prepared: Prepared,
  known: Measured,
  options: MeasureOptions,
): Promise<Measured> {
  const { heldOut, questions } = prepared;
  if (!heldOut) return known;
  const { spec } = job.start;
  const rows = Math.min(options.rows, heldOut.rows);
  const asked = Array.from({ length: rows }, (_, row) => row).filter((row) => questions[row]);
  const total = rows + asked.length;
  let done = 0;
  let seconds = 30;
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    heartbeat(job, options.stage, options.step, seconds);
    const began = performance.now();
    const result = await engineCall(job.control, work);
    seconds = Math.max(1, (2 * (performance.now() - began)) / 1000);
    return result;
  };

  for (let from = 0; from < rows; from += rowsAtOnce) {
    const chunk = Array.from({ length: Math.min(rowsAtOnce, rows - from) }, (_, i) => from + i);
    done += chunk.length;
    if (chunk.every((row) => known.losses.has(row))) continue;
    const losses = await lossesOf(session, prepared, chunk, spec, options.baseOnly, timed);
    for (const [row, loss] of losses) known.losses.set(row, loss);
    options.keep?.({ losses });
    options.onRows?.(done, total);
  }
  for (let from = 0; from < asked.length; from += answersAtOnce) {
    const chunk = asked.slice(from, from + answersAtOnce);
    done += chunk.length;
    if (chunk.every((row) => known.answers.has(row))) continue;
    const answers = await answersOf(session, prepared, chunk, spec.evaluation.maxNewTokens, options.baseOnly, timed);
    for (const [row, answer] of answers) known.answers.set(row, answer);
    options.keep?.({ answers });
    options.onRows?.(done, total);
  }
  return known;
}

type Timed = <T>(work: () => Promise<T>) => Promise<T>;

async function lossesOf(
  session: Session,
  { heldOut }: Prepared,
  rows: number[],
  spec: RunSpec,
  baseOnly: boolean,
  timed: Timed,
): Promise<[number, RowLoss][]> {
  if (!heldOut) return [];
  const losses = new Map<number, RowLoss>(rows.map((row) => [row, { lossSum: 0, tokens: 0, correct: 0 }]));
  const withLoss = rows.filter((row) => heldOut.supervised(row) > 0);
  for (const { rows: chosen, batch } of microBatches(heldOut, withLoss, spec)) {
    const { perSequence } = await timed(() => session.evaluate([batch], { baseOnly }));
    for (const [i, { loss, tokens, correct }] of perSequence.entries())
      losses.set(chosen[i] ?? -1, { lossSum: loss, tokens, correct });
  }
  return [...losses];
}

async function answersOf(
  session: Session,
  { questions, text }: Prepared,
  rows: number[],
  maxNewTokens: number,
  baseOnly: boolean,
  timed: Timed,
): Promise<[number, string][]> {
  const prompts = rows.map((row) => encodePrompt(text, questions[row]?.prompt ?? []));
  // A question that leaves no room for an answer is one the model cannot answer.
  const room = session.info.contextLength - maxNewTokens;
  const fits = prompts.flatMap((prompt, i) => (prompt.length > 0 && prompt.length <= room ? [i] : []));
  const answers = rows.map((row): [number, string] => [row, ""]);
  if (fits.length === 0) return answers;
  const { sequences } = await timed(() =>
    session.generate({
      prompts: fits.map((i) => prompts[i] ?? new Int32Array()),
      maxNewTokens,
      temperature: 0,
      topK: 0,
      topP: 1,
      seed: 0,
      stopTokens: text.stopTokens,
      baseOnly,
    }),
  );
  sequences.forEach(({ tokens }, i) => {
    const entry = answers[fits[i] ?? -1];
    if (entry) entry[1] = decodeAnswer(text, tokens);
  });
  return answers;
}

export interface Totals extends EvaluationResult {
  tokenAccuracy: number | null;
}

/** Totals over the first rows. Loss is the mean over all supervised tokens, as in training. */
export function totals(prepared: Prepared, measured: Measured, rows: number): Totals {
  let lossSum = 0;
  let tokens = 0;
  let correct = 0;
  let asked = 0;
  let exactMatches = 0;
  const count = Math.min(rows, prepared.heldOut?.rows ?? 0);
  for (let row = 0; row < count; row++) {
    const loss = measured.losses.get(row);
    if (loss) {
      lossSum += loss.lossSum;
      tokens += loss.tokens;
      correct += loss.correct;
    }
    const question = prepared.questions[row];
    const answer = measured.answers.get(row);
    if (!question || answer === undefined) continue;
    asked++;
    if (isExactMatch(answer, question.expected)) exactMatches++;
  }
  return {
    rows: count,
    loss: tokens > 0 ? lossSum / tokens : null,
    exactMatch: asked > 0 ? exactMatches / asked : null,
    exactMatches: asked > 0 ? exactMatches : null,
    tokenAccuracy: tokens > 0 ? correct / tokens : null,
  };
}

export const resultOf = ({ tokenAccuracy: _, ...result }: Totals): EvaluationResult => result;
