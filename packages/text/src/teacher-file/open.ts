import { closeSync } from "node:fs";
import { type Phrase, say, TeacherFacts } from "@anneal/contracts";
import { openWith, readAt, readCount, readFrame } from "../record-file/read.ts";
import { TextError } from "../text-error.ts";
import { factsLimit, footerBytes, guessesAt, indexEntryBytes, magic, recordBytes, rowTokenLimit } from "./format.ts";

/** One row of a teacher's file: what it said of each masked token, in order. */
export interface TeacherRow {
  tokens: Int32Array;
  mask: Uint8Array; // 1 where the token is predicted
  ids: Int32Array; // (masked, k), best first
  logprobs: Float32Array; // (masked, k)
}

export interface TeacherFile {
  readonly facts: TeacherFacts;
  readonly rows: number;
  readonly supervisedTokens: number;
  length(row: number): number;
  /** Reads and checks one row. */
  row(row: number): TeacherRow;
  close(): void;
}

function damaged(cause: Phrase): never {
  throw new TextError("teacher file", cause, say`Make the file again: anneal teacher make.`);
}

function readFacts(bytes: Buffer): TeacherFacts {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    damaged(say`has facts that are no JSON`);
  }
  const parsed = TeacherFacts.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return damaged(say`has facts whose ${issue?.path.join(".") || "value"} is wrong: ${issue?.message}`);
}

/** Checks the frame, the facts and the index before it believes them; rows are read and checked as they are asked for. */
export function openTeacherFile(path: string): TeacherFile {
  return openWith(path, damaged, (file) => new OpenTeacherFile(file));
}

class OpenTeacherFile implements TeacherFile {
  readonly facts: TeacherFacts;
  readonly rows: number;
  readonly supervisedTokens: number;
  private readonly file: number;
  private readonly topK: number;
  private readonly lengths: Uint32Array;
  private readonly masked: Uint32Array;
  private readonly places: Float64Array;
  private readonly seen: Uint32Array; // of each token, the last guess that named it
  private guess = 0;
  private closed = false;

  constructor(file: number) {
    this.file = file;
    const { footer, size } = readFrame(file, { magic, footerBytes }, damaged);
    this.rows = readCount(footer, 0, damaged);
    this.supervisedTokens = readCount(footer, 8, damaged);
    this.topK = readCount(footer, 16, damaged);
    const indexAt = readCount(footer, 24, damaged);
    const factsAt = readCount(footer, 32, damaged);
    const indexSize = factsAt - indexAt;
    const factsSize = size - footerBytes - factsAt;
    // Division instead of multiplication: no count from the file can overflow here.
    if (indexAt < magic.length || indexSize < 0 || factsSize < 0 || this.rows !== indexSize / indexEntryBytes)
      damaged(say`says ${this.rows} rows, which its size contradicts`);
    if (factsSize > factsLimit) damaged(say`has ${factsSize} bytes of facts`);
    this.facts = readFacts(readAt(file, factsAt, factsSize, damaged));
    if (this.facts.topK !== this.topK || this.topK > this.facts.vocabularySize)
      damaged(
        say`holds the best ${this.topK} of ${this.facts.vocabularySize} tokens, its facts say ${this.facts.topK}`,
      );
    const index = readAt(file, indexAt, indexSize, damaged);
    this.lengths = Uint32Array.from({ length: this.rows }, (_, row) => index.readUInt32LE(row * indexEntryBytes));
    this.masked = Uint32Array.from({ length: this.rows }, (_, row) => index.readUInt32LE(row * indexEntryBytes + 4));
    this.places = new Float64Array(this.rows);
    let place = magic.length;
    let supervised = 0;
    for (let row = 0; row < this.rows; row++) {
      const [length, masked] = [this.lengths[row] as number, this.masked[row] as number];
      if (length > rowTokenLimit || masked > Math.max(0, length - 1))
        damaged(say`row ${row + 1} has an impossible length`);
      this.places[row] = place;
      place += recordBytes(length, masked, this.topK);
      supervised += masked;
    }
    if (place !== indexAt || supervised !== this.supervisedTokens)
      damaged(say`has an index that does not fit its rows`);
    this.seen = new Uint32Array(this.facts.vocabularySize);
  }

  length(row: number): number {
    return this.lengths[this.checked(row)] as number;
  }

  row(row: number): TeacherRow {
    const length = this.length(row);
    const masked = this.masked[row] as number;
    const bytes = readAt(this.file, this.places[row] as number, recordBytes(length, masked, this.topK), damaged);
    const tokens = Int32Array.from({ length }, (_, i) => bytes.readInt32LE(i * 4));
    const bad = tokens.findIndex((token) => token < 0 || token >= this.facts.vocabularySize);
    if (bad >= 0) damaged(say`row ${row + 1} holds the token ${tokens[bad]}`);
    const mask = Uint8Array.from(bytes.subarray(length * 4, length * 5));
    if (mask.some((flag) => flag > 1)) damaged(say`row ${row + 1} has a mask that is neither 0 nor 1`);
    if (mask.reduce((sum, flag) => sum + flag, 0) !== masked || mask[0] === 1)
      damaged(say`row ${row + 1} has another mask than its index says`);
    const values = masked * this.topK;
    const at = guessesAt(length);
    const ids = new Int32Array(values);
    const logprobs = new Float32Array(values);
    for (let i = 0; i < values; i++) {
      ids[i] = bytes.readInt32LE(at + i * 4);
      logprobs[i] = bytes.readFloatLE(at + (values + i) * 4);
    }
    this.checkGuesses(row, ids, logprobs);
    return { tokens, mask, ids, logprobs };
  }

  /** Different tokens of the vocabulary, best first, with probabilities that are some. */
  private checkGuesses(row: number, ids: Int32Array, logprobs: Float32Array): void {
    for (let i = 0; i < ids.length; i++) {
      if (i % this.topK === 0 && ++this.guess >= 2 ** 32) {
        this.seen.fill(0);
        this.guess = 1;
      }
      const id = ids[i] as number;
      if (id < 0 || id >= this.facts.vocabularySize) damaged(say`row ${row + 1} guesses the token ${id}`);
      if (this.seen[id] === this.guess) damaged(say`row ${row + 1} guesses the token ${id} twice in one place`);
      this.seen[id] = this.guess;
      const logprob = logprobs[i] as number;
      if (!(Number.isFinite(logprob) && logprob <= 1e-3))
        damaged(say`row ${row + 1} has ${logprob} for a log-probability`);
      if (i % this.topK > 0 && logprob > (logprobs[i - 1] as number))
        damaged(say`row ${row + 1} does not have the best guess first`);
    }
  }

  close(): void {
    if (!this.closed) closeSync(this.file);
    this.closed = true;
  }

  private checked(row: number): number {
    if (!Number.isInteger(row) || row < 0 || row >= this.rows)
      throw new RangeError(`row ${row} of a teacher file with ${this.rows} rows`);
    return row;
  }
}
