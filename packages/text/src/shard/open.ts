import { createHash } from "node:crypto";
import { closeSync, createReadStream } from "node:fs";
import { type Phrase, say } from "@anneal/contracts";
import { openWith, readAt, readCount, readFrame } from "../record-file/read.ts";
import type { Mark } from "../rows/encode-row.ts";
import { TextError } from "../text-error.ts";
import {
  footerBytes,
  indexEntryBytes,
  indexWords,
  littleEndian,
  magic,
  markBits,
  recordBytes,
  rowTokenLimit,
  weightsFlag,
} from "./format.ts";

export interface Shard {
  readonly rows: number;
  readonly totalTokens: number;
  readonly totalSupervised: number;
  length(row: number): number;
  supervised(row: number): number;
  tokens(row: number): Int32Array;
  labels(row: number): Int32Array; // the token where it is trained, else -100
  weights(row: number): Float32Array | null; // of each token's loss; null: what is trained weighs 1
  mark(row: number): Mark | null; // of a preference
  close(): void;
}

function damaged(cause: Phrase): never {
  throw new TextError("token shard", cause, say`Delete the file; it is made again from the dataset.`);
}

// Checks the frame and the index before it believes them; rows are read and checked as they are asked for.
export function openShard(path: string): Shard {
  return openWith(path, damaged, (file) => new OpenShard(file));
}

class OpenShard implements Shard {
  readonly rows: number;
  readonly totalTokens: number;
  readonly totalSupervised: number;
  private readonly file: number;
  private readonly index: Uint32Array;
  private readonly places: Float64Array;
  private last: { row: number; tokens: Int32Array; mask: Uint8Array; weights: Float32Array | null } | null = null;
  private closed = false;

  constructor(file: number) {
    this.file = file;
    const { footer, size } = readFrame(file, { magic, footerBytes }, damaged);
    this.rows = readCount(footer, 0, damaged);
    this.totalTokens = readCount(footer, 8, damaged);
    this.totalSupervised = readCount(footer, 16, damaged);
    const indexAt = readCount(footer, 24, damaged);
    // Division instead of multiplication: no count from the file can overflow here.
    const indexSize = size - footerBytes - indexAt;
    if (indexAt < magic.length || indexSize < 0 || this.rows !== indexSize / indexEntryBytes)
      damaged(say`says ${this.rows} rows, which its size contradicts`);
    const bytes = readAt(file, indexAt, indexSize, damaged);
    if (!littleEndian) bytes.swap32();
    this.index = new Uint32Array(bytes.buffer, bytes.byteOffset, this.rows * indexWords).slice();
    this.places = new Float64Array(this.rows);
    let place = magic.length;
    let tokens = 0;
    let supervised = 0;
    for (let row = 0; row < this.rows; row++) {
      const length = this.length(row);
      if (length > rowTokenLimit || this.supervised(row) > length)
        damaged(say`row ${row + 1} has an impossible length`);
      if (this.flags(row) > (markBits | weightsFlag)) damaged(say`row ${row + 1} has unknown flags`);
      this.places[row] = place;
      place += recordBytes(length, this.hasWeights(row));
      tokens += length;
      supervised += this.supervised(row);
    }
    if (place !== indexAt || tokens !== this.totalTokens || supervised !== this.totalSupervised)
      damaged(say`has an index that does not fit its rows`);
  }

  length(row: number): number {
    return this.index[this.checked(row) * indexWords] as number;
  }

  supervised(row: number): number {
    return this.index[this.checked(row) * indexWords + 1] as number;
  }

  tokens(row: number): Int32Array {
    return this.record(row).tokens.slice();
  }

  labels(row: number): Int32Array {
    const { tokens, mask } = this.record(row);
    return Int32Array.from(tokens, (token, i) => (mask[i] ? token : -100));
  }

  weights(row: number): Float32Array | null {
    return this.record(row).weights?.slice() ?? null;
  }

  mark(row: number): Mark | null {
    const bits = this.flags(row) & markBits;
    return bits === 0 ? null : ((bits - 1) as Mark);
  }

  close(): void {
    if (!this.closed) closeSync(this.file);
    this.closed = true;
  }

  private checked(row: number): number {
    if (!Number.isInteger(row) || row < 0 || row >= this.rows)
      throw new RangeError(`row ${row} of a shard with ${this.rows} rows`);
    return row;
  }

  private flags(row: number): number {
    return this.index[this.checked(row) * indexWords + 2] as number;
  }

  private hasWeights(row: number): boolean {
    return (this.flags(row) & weightsFlag) !== 0;
  }

  private record(row: number) {
    if (this.last?.row === row) return this.last;
    const length = this.length(row);
    const bytes = readAt(this.file, this.places[row] as number, recordBytes(length, this.hasWeights(row)), damaged);
    const tokens = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      const token = bytes.readInt32LE(i * 4);
      if (token < 0) damaged(say`row ${row + 1} holds the token ${token}`);
      tokens[i] = token;
    }
    const mask = bytes.subarray(length * 4, length * 5);
    let supervised = 0;
    for (const flag of mask) {
      if (flag > 1) damaged(say`row ${row + 1} has a mask of ${flag}`);
      supervised += flag;
    }
    if (supervised !== this.supervised(row)) damaged(say`row ${row + 1} has another mask than its index says`);
    const weights = this.hasWeights(row) ? new Float32Array(length) : null;
    for (let i = 0; weights && i < length; i++) {
      const weight = bytes.readFloatLE(recordBytes(length, false) + i * 4);
      if (!(weight >= 0 && Number.isFinite(weight))) damaged(say`row ${row + 1} has a loss weight of ${weight}`);
      weights[i] = weight;
    }
    this.last = { row, tokens, mask, weights };
    return this.last;
  }
}

// SHA-256 of the file, as writeShard gave it.
export async function shardDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
