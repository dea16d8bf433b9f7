import { countHeldOut, type Phrase, say } from "@anneal/contracts";
import { dataOrder } from "./data-order.ts";

// The epoch number that the split's permutation is drawn with; no training reaches it.
const splitEpoch = 0x7fffffff;

/** Digests of rows and of their questions, one each a row. */
export interface Keys {
  rows: BigUint64Array;
  questions: BigUint64Array;
}

export interface Split {
  /** Row numbers of the dataset that are not trained. */
  excluded: ReadonlySet<number>;
  /** Row numbers of the evaluation source, in the order they are asked in, at most `finalMaxRows`. */
  asked: Uint32Array;
  /** All held-out rows, before that cap. */
  heldOutRows: number;
  /** Places in `asked` whose row, or whose question, is trained as well. */
  seen: ReadonlySet<number>;
  sameRows: number;
  sameQuestions: number; // with other answers
  /** Rows of the dataset that repeat earlier ones, or their question, and are kept on one side with them. */
  repeated: number;
}

interface SplitOptions {
  training: Keys;
  evaluation: Keys | null; // of a held-out dataset; null: rows are split off
  heldOutFraction: number;
  finalMaxRows: number;
  seed: number;
}

/**
 * Which rows are trained and which asked: a pure function of rows, settings and seed. Of rows split off, equal ones stay on one side, and
 * so do those with one question, or the model would be asked what it was trained on.
 */
export function splitRows({ training, evaluation, heldOutFraction, finalMaxRows, seed }: SplitOptions): Split {
  const count = training.rows.length;
  const heldOut = evaluation
    ? dataOrder(evaluation.rows.length, seed, splitEpoch)
    : splitOff(training, countHeldOut(count, heldOutFraction), seed);
  const excluded = new Set(evaluation ? [] : heldOut);
  const asked = heldOut.subarray(0, finalMaxRows);
  const repeated = evaluation ? 0 : count - distinct(questionsTell(training) ? training.questions : training.rows);
  return {
    excluded,
    asked,
    heldOutRows: heldOut.length,
    repeated,
    ...overlap(training, evaluation ?? training, asked, excluded),
  };
}

/** What a person should know of a split before it is trained; null: nothing. */
export function splitNotice({ asked, seen, sameRows, sameQuestions, repeated }: Split): Phrase | null {
  if (seen.size > 0)
    return say`held-out rows that are trained as well: ${seen.size} of ${asked.length} (${sameRows} as they are, ${sameQuestions} with another answer); figures are given without them, too`;
  if (repeated > 0)
    return say`rows that repeat others or ask the same question: ${repeated}; of the rows held out and those trained, they stay on one side`;
  return null;
}

// Where nearly all rows share a few questions ("Write a poem."), the question says nothing about the answer.
const fewQuestions = 10;
const questionsTell = ({ questions }: Keys): boolean => distinct(questions) * fewQuestions >= questions.length;

function splitOff(keys: Keys, wanted: number, seed: number): Uint32Array {
  const order = dataOrder(keys.rows.length, seed, splitEpoch);
  const byQuestion = questionsTell(keys) ? pick(order, wanted, keys.questions) : null;
  if (byQuestion && byQuestion.length * 2 >= wanted) return byQuestion;
  return pick(order, wanted, keys.rows);
}

/** The first rows of the order, each with all that share its key; a group that is too large for what is left stays in training. */
function pick(order: Uint32Array, wanted: number, keys: BigUint64Array): Uint32Array {
  const { sorted, place } = sortedBy(keys);
  const decided = new Uint8Array(keys.length);
  const held: number[] = [];
  for (const row of order) {
    if (held.length >= wanted) break;
    if (decided[row]) continue;
    const key = keys[row];
    let from = place[row] as number;
    let to = from + 1;
    while (from > 0 && keys[sorted[from - 1] as number] === key) from--;
    while (to < sorted.length && keys[sorted[to] as number] === key) to++;
    const group = sorted.subarray(from, to);
    for (const member of group) decided[member] = 1;
    if (group.length <= wanted - held.length) held.push(row, ...group.filter((member) => member !== row));
  }
  return Uint32Array.from(held);
}

function sortedBy(keys: BigUint64Array): { sorted: Uint32Array; place: Uint32Array } {
  const at = (row: number) => keys[row] as bigint;
  const sorted = Uint32Array.from({ length: keys.length }, (_, i) => i).sort((a, b) =>
    at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : a - b,
  );
  const place = new Uint32Array(keys.length);
  for (const [i, row] of sorted.entries()) place[row] = i;
  return { sorted, place };
}

export function distinct(keys: BigUint64Array): number {
  const sorted = keys.slice().sort();
  return sorted.reduce((count, key, i) => count + (i === 0 || sorted[i - 1] !== key ? 1 : 0), 0);
}

function overlap(training: Keys, source: Keys, asked: Uint32Array, excluded: ReadonlySet<number>) {
  const found = (keys: BigUint64Array, trained: BigUint64Array): Set<number> => {
    const places = new Map<bigint, number[]>();
    for (const [place, row] of asked.entries()) {
      const key = keys[row] as bigint;
      places.set(key, [...(places.get(key) ?? []), place]);
    }
    const same = new Set<number>();
    for (const [row, key] of trained.entries())
      if (!excluded.has(row)) for (const place of places.get(key) ?? []) same.add(place);
    return same;
  };
  const rows = found(source.rows, training.rows);
  const questions = questionsTell(training) ? found(source.questions, training.questions) : rows;
  const seen = new Set([...rows, ...questions]);
  return { seen, sameRows: rows.size, sameQuestions: seen.size - rows.size };
}
