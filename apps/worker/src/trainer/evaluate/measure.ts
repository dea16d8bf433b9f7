import { adaptersOf, type RunSpec, type RunStage } from "@anneal/contracts";
import type { Session } from "@anneal/engine";
import { encodePrompt } from "@anneal/text";
import { engineCall } from "../context/engine-call.ts";
import { heartbeat, type Job } from "../context/job.ts";
import { microBatches, sequencesOf } from "../prepare/batches.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { answerCap, askedRows, roomFor, type Said, saidBy } from "./asking.ts";

export interface RowLoss {
  lossSum: number;
  tokens: number;
  correct: number; // tokens that were the first choice
}

/** What is known of the held-out rows: the loss of each of their sequences, and the answer where one asks something. */
export interface Measured {
  losses: Map<number, RowLoss>; // by sequence of the shard
  answers: Map<number, Said>; // by row
}
export const nothingMeasured = (): Measured => ({ losses: new Map(), answers: new Map() });

export interface MeasureOptions {
  baseOnly: boolean; // LoRA: leave the adapter out
  adapter?: string | null; // of several side by side, the one that is measured
  rows: number; // the first so many held-out rows
  answers: boolean; // ask, too
  stage: RunStage;
  step: number;
  onRows?: (done: number, total: number) => void;
  /** Keeps what was measured, so that an attempt after a crash need not do it again. */
  keep?: (part: { losses?: [number, RowLoss][]; answers?: [number, Said][] }) => void;
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
  const rows = Math.min(options.rows, prepared.heldOutExamples);
  const cap = answerCap(spec.evaluation, questions);
  const asked = options.answers ? askedRows(spec.evaluation, questions, cap, rows) : [];
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
    const sequences = chunk.flatMap((row) => sequencesOf(row, prepared.sequences));
    if (sequences.every((sequence) => known.losses.has(sequence))) continue;
    const losses = await lossesOf(session, prepared, chunk, spec, options, timed);
    for (const [sequence, loss] of losses) known.losses.set(sequence, loss);
    options.keep?.({ losses });
    options.onRows?.(done, total);
  }
  for (let from = 0; from < asked.length; from += answersAtOnce) {
    const chunk = asked.slice(from, from + answersAtOnce);
    done += chunk.length;
    if (chunk.every((row) => known.answers.has(row))) continue;
    const answers = await answersOf(session, prepared, chunk, cap, options, timed);
    for (const [row, answer] of answers) known.answers.set(row, answer);
    options.keep?.({ answers });
    options.onRows?.(done, total);
  }
  return known;
}

type Timed = <T>(work: () => Promise<T>) => Promise<T>;
type Who = Pick<MeasureOptions, "baseOnly" | "adapter">;

/** Which adapter every sequence goes through, where the session has several; the base alone goes through none of them. */
function ownersOf(spec: RunSpec, adapter: string | null | undefined, sequences: number): { adapters?: Int32Array } {
  const all = adaptersOf(spec);
  if (all.length === 0) return {};
  const index = all.findIndex(({ name }) => name === adapter);
  return { adapters: new Int32Array(sequences).fill(Math.max(0, index)) };
}

async function lossesOf(
  session: Session,
  { heldOut, sequences }: Prepared,
  rows: number[],
  spec: RunSpec,
  { baseOnly, adapter }: Who,
  timed: Timed,
): Promise<[number, RowLoss][]> {
  if (!heldOut) return [];
  const all = rows.flatMap((row) => sequencesOf(row, sequences));
  const losses = new Map<number, RowLoss>(all.map((sequence) => [sequence, { lossSum: 0, tokens: 0, correct: 0 }]));
  // An answer that was cut off whole cannot be compared: its row has no loss.
  const withLoss = rows.filter((row) => sequencesOf(row, sequences).every((one) => heldOut.supervised(one) > 0));
  for (const { rows: chosen, batch } of microBatches(heldOut, withLoss, spec, sequences)) {
    const { tokens, labels, offsets } = batch; // weights are for training: what is held out counts alike
    const owners = ownersOf(spec, adapter, offsets.length - 1);
    const { perSequence } = await timed(() => session.evaluate([{ tokens, labels, offsets, ...owners }], { baseOnly }));
    const measured = chosen.flatMap((row) => sequencesOf(row, sequences));
    for (const [i, { loss, tokens: count, correct }] of perSequence.entries())
      losses.set(measured[i] ?? -1, { lossSum: loss, tokens: count, correct });
  }
  return [...losses];
}

async function answersOf(
  session: Session,
  { questions, text }: Prepared,
  rows: number[],
  cap: number,
  { baseOnly, adapter }: Who,
  timed: Timed,
): Promise<[number, Said][]> {
  const answers = new Map<number, Said>(rows.map((row) => [row, null]));
  // Questions with the same room go together: most get the whole cap, a long one what the context leaves.
  const byRoom = new Map<number, { row: number; prompt: Int32Array }[]>();
  for (const row of rows) {
    const question = questions[row];
    if (!question) continue;
    const prompt = encodePrompt(text, question.prompt);
    const room = roomFor(question, prompt.length, cap, session.info.contextLength);
    if (room !== null) byRoom.set(room, [...(byRoom.get(room) ?? []), { row, prompt }]);
  }
  for (const [maxNewTokens, together] of byRoom) {
    const { sequences } = await timed(() =>
      session.generate({
        prompts: together.map(({ prompt }) => prompt),
        maxNewTokens,
        temperature: 0,
        topK: 0,
        topP: 1,
        seed: 0,
        stopTokens: text.stopTokens,
        baseOnly,
        ...(adapter ? { adapter } : {}),
      }),
    );
    sequences.forEach((sequence, i) => {
      const row = together[i]?.row ?? -1;
      const question = questions[row];
      if (question) answers.set(row, saidBy(text, question, sequence));
    });
  }
  return [...answers];
}
