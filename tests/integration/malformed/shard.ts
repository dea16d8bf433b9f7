import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openShard, writeShard } from "@anneal/text";
import { type BytesImage, bytesCorpus, type Row } from "./corpus.ts";

// Four rows of 3, 1, 12 and 5 tokens, the third with loss weights: records of 16, 8, 60 + 48 and 28 bytes behind the magic, then the
// index and the footer.
const lengths = [3, 1, 12, 5];
const weightsAt = 8 + 16 + 8 + 60;
const indexAt = weightsAt + 48 + 28;
const indexEntry = (row: number, word: number) => indexAt + row * 12 + word * 4;

const footer = ({ bytes }: BytesImage) => bytes.subarray(bytes.length - 40);
const count = (image: BytesImage, field: number, value: bigint) =>
  void footer(image).writeBigUInt64LE(value, field * 8);
const word = (image: BytesImage, at: number, value: number) => void image.bytes.writeUInt32LE(value, at);

const bad = "TextError";
const rows: Row<BytesImage>[] = [
  ["an empty file", bad, "is too short", (s) => (s.bytes = Buffer.alloc(0))],
  ["other letters at the beginning", bad, "does not begin as one", (s) => void s.bytes.write("ANNLSHD9")],
  ["the end cut off", bad, "does not end as one", (s) => (s.bytes = s.bytes.subarray(0, -1))],
  ["2^61 rows", bad, "counts 2305843009213693952", (s) => count(s, 0, 2n ** 61n)],
  ["one row more than the index", bad, "says 5 rows, which its size contradicts", (s) => count(s, 0, 5n)],
  ["2^64 - 1 tokens", bad, "counts 18446744073709551615", (s) => count(s, 1, 2n ** 64n - 1n)],
  ["another sum of tokens", bad, "has an index that does not fit its rows", (s) => count(s, 1, 20n)],
  ["an index behind the file", bad, "which its size contradicts", (s) => count(s, 3, 2n ** 52n)],
  ["an index inside the magic", bad, "which its size contradicts", (s) => count(s, 3, 0n)],
  ["a row of 2^32 - 1 tokens", bad, "row 1 has an impossible length", (s) => word(s, indexEntry(0, 0), 2 ** 32 - 1)],
  ["more trained than there are", bad, "row 2 has an impossible length", (s) => word(s, indexEntry(1, 1), 2)],
  [
    "two rows that changed lengths",
    bad,
    "row 3 has an impossible length",
    (s) => {
      word(s, indexEntry(0, 0), 12);
      word(s, indexEntry(2, 0), 3);
    },
  ],
  ["flags of a later format", bad, "row 4 has unknown flags", (s) => word(s, indexEntry(3, 2), 8)],
  ["a negative loss weight", bad, "row 3 has a loss weight of -1", (s) => void s.bytes.writeFloatLE(-1, weightsAt + 4)],
  ["a loss weight of NaN", bad, "row 3 has a loss weight of NaN", (s) => word(s, weightsAt, 0x7fc00000)],
  ["a negative token", bad, "row 1 holds the token -1", (s) => word(s, 8, 2 ** 32 - 1)],
  ["a mask of 7", bad, "row 1 has a mask of 7", (s) => void s.bytes.writeUInt8(7, 8 + 12)],
  ["a mask of another sum", bad, "row 1 has another mask", (s) => void s.bytes.writeUInt8(1, 8 + 12)],
];

let whole = Buffer.alloc(0);
/** Makes the whole shard once; the cases start from copies of its bytes. */
export async function prepareShard(dir: string): Promise<void> {
  const path = join(dir, "whole.shard");
  await writeShard(
    path,
    lengths.map((length, row) => ({
      tokens: Int32Array.from({ length }, (_, i) => i * 31),
      labels: Int32Array.from({ length }, (_, i) => (i > 0 ? i * 31 : -100)),
      supervisedTokens: length - 1,
      truncated: false,
      ...(row === 2 ? { weights: new Float32Array(length).fill(0.5) } : {}),
    })),
  );
  whole = readFileSync(path);
}

export const shardCorpus = bytesCorpus(
  "token shard",
  {
    name: "rows.shard",
    code: bad,
    whole: () => whole,
    read: (path) => {
      const shard = openShard(path);
      try {
        for (let row = 0; row < shard.rows; row++) shard.labels(row);
      } finally {
        shard.close();
      }
    },
  },
  rows,
);
