import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openTeacherFile, writeTeacherFile } from "@anneal/text";
import { teacherFacts } from "../../support/teacher-facts.ts";
import { type BytesImage, bytesCorpus, type Row } from "./corpus.ts";

// Two rows of 3 and 5 tokens, the last two of each predicted, with the best 2 guesses each: records of 12 + 4 + 32 and 20 + 8 + 32 bytes
// behind the magic, then the index, the facts and the footer.
const records = [8, 8 + 48];
const guesses = [8 + 16, 8 + 48 + 28];
const indexAt = 8 + 48 + 60;
const factsAt = indexAt + 16;

const count = ({ bytes }: BytesImage, field: number, value: bigint) =>
  void bytes.writeBigUInt64LE(value, bytes.length - 56 + field * 8);
const word = ({ bytes }: BytesImage, at: number, value: number) => void bytes.writeUInt32LE(value, at);
const real = ({ bytes }: BytesImage, at: number, value: number) => void bytes.writeFloatLE(value, at);
/** Other facts of the same length, so that every place stays where it is. */
function fact(image: BytesImage, from: string, to: string): void {
  const { bytes } = image;
  const text = bytes.subarray(factsAt, bytes.length - 56).toString("latin1");
  if (!text.includes(from) || from.length !== to.length) throw new Error(`the facts hold no ${from}`);
  bytes.write(text.replace(from, to), factsAt, "latin1");
}
const [first, second] = [guesses[0] ?? 0, guesses[1] ?? 0];

const bad = "TextError";
const rows: Row<BytesImage>[] = [
  ["an empty file", bad, "is too short", (f) => (f.bytes = Buffer.alloc(0))],
  ["other letters at the beginning", bad, "does not begin as one", (f) => void f.bytes.write("ANNLSHD2")],
  ["the end cut off", bad, "does not end as one", (f) => (f.bytes = f.bytes.subarray(0, -1))],
  ["2^61 rows", bad, "counts 2305843009213693952", (f) => count(f, 0, 2n ** 61n)],
  ["one row more than the index", bad, "says 3 rows, which its size contradicts", (f) => count(f, 0, 3n)],
  ["another sum of predicted tokens", bad, "has an index that does not fit its rows", (f) => count(f, 1, 5n)],
  ["a k that is not the facts'", bad, "its facts say 2", (f) => count(f, 2, 3n)],
  ["a k of 2^40", bad, "holds the best 1099511627776", (f) => count(f, 2, 2n ** 40n)],
  ["an index inside the magic", bad, "which its size contradicts", (f) => count(f, 3, 0n)],
  ["an index behind the facts", bad, "which its size contradicts", (f) => count(f, 3, BigInt(factsAt + 8))],
  ["facts behind the file", bad, "which its size contradicts", (f) => count(f, 4, 2n ** 52n)],
  ["facts that are no JSON", bad, "has facts that are no JSON", (f) => void f.bytes.write("]", factsAt, "latin1")],
  ["facts without a digest", bad, "dataset is wrong", (f) => fact(f, '"dataset"', '"datasat"')],
  ["a tokenizer that is no digest", bad, "tokenizer is wrong", (f) => fact(f, "sha256:cc", "sha265:cc")],
  ["a vocabulary below k", bad, "holds the best 2 of 1 tokens", (f) => fact(f, 'Size":300', 'Size":1  ')],
  ["a row of 2^32 - 1 tokens", bad, "row 1 has an impossible length", (f) => word(f, indexAt, 2 ** 32 - 1)],
  ["all tokens of a row predicted", bad, "row 1 has an impossible length", (f) => word(f, indexAt + 4, 3)],
  ["a negative token", bad, "row 1 holds the token -1", (f) => word(f, records[0] ?? 0, 2 ** 32 - 1)],
  ["a token beyond the vocabulary", bad, "row 2 holds the token 300", (f) => word(f, records[1] ?? 0, 300)],
  ["a mask of 7", bad, "row 1 has a mask that is neither", (f) => void f.bytes.writeUInt8(7, 8 + 12 + 1)],
  ["a mask of another sum", bad, "row 1 has another mask", (f) => void f.bytes.writeUInt8(0, 8 + 12 + 1)],
  [
    "a first token that is predicted",
    bad,
    "row 1 has another mask",
    (f) => {
      f.bytes.writeUInt8(1, 8 + 12);
      f.bytes.writeUInt8(0, 8 + 12 + 1);
    },
  ],
  ["a guess beyond the vocabulary", bad, "row 1 guesses the token 300", (f) => word(f, first, 300)],
  ["a negative guess", bad, "row 2 guesses the token -5", (f) => void f.bytes.writeInt32LE(-5, second)],
  ["a token guessed twice in one place", bad, "row 1 guesses the token 11 twice", (f) => word(f, first, 11)],
  ["a log-probability of NaN", bad, "row 1 has NaN for a log-probability", (f) => real(f, first + 16, Number.NaN)],
  ["a log-probability above 0", bad, "row 2 has 1 for a log-probability", (f) => real(f, second + 16, 1)],
  ["an infinite one", bad, "row 1 has -Infinity for a log-probability", (f) => real(f, first + 20, -Infinity)],
  ["the best guess last", bad, "row 1 does not have the best guess first", (f) => real(f, first + 16, -9)],
];

let whole = Buffer.alloc(0);
/** Makes the whole file once; the cases start from copies of its bytes. */
export async function prepareTeacher(dir: string): Promise<void> {
  const path = join(dir, "whole");
  const row = (length: number) => ({
    tokens: Int32Array.from({ length }, (_, i) => i * 31),
    mask: Uint8Array.from({ length }, (_, i) => Number(i >= length - 2)),
    ids: Int32Array.of(10, 11, 12, 13),
    logprobs: Float32Array.of(-0.5, -1, -0.25, -2),
  });
  await writeTeacherFile(path, teacherFacts(300), [row(3), row(5)]);
  whole = readFileSync(path);
}

export const teacherCorpus = bytesCorpus(
  "teacher file",
  {
    name: "best.teacher",
    code: bad,
    whole: () => whole,
    read: (path) => {
      const file = openTeacherFile(path);
      try {
        for (let row = 0; row < file.rows; row++) file.row(row);
      } finally {
        file.close();
      }
    },
  },
  rows,
);
