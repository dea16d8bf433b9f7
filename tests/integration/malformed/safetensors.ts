import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectModel } from "@anneal/engine";
import type { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { type Corpus, casesOf, type MalformedCase, type Row, tinyFolder, writeFolder } from "./corpus.ts";

const first = "model.embed_tokens.weight"; // bytes 0 to 1024
const second = "model.layers.0.input_layernorm.weight"; // bytes 1024 to 1056
const bad = "ENGINE_FORMAT";

const rows: Row<SafetensorsImage>[] = [
  ["a header longer than the file", bad, "ends inside its header", (s) => (s.headerBytes = 1_000_000n)],
  ["a header of 2^63 bytes", bad, "above the format's 100 MB", (s) => (s.headerBytes = 2n ** 63n)],
  ["a header of 2^64 - 1 bytes", bad, "above the format's 100 MB", (s) => (s.headerBytes = 2n ** 64n - 1n)],
  ["an empty header", bad, "does not start with '{'", (s) => (s.headerBytes = 0n)],
  ["a list as header", bad, "does not start with '{'", (s) => (s.edit = () => "[]")],
  ["a header cut off", bad, "JSON ", (s) => (s.edit = (text) => text.slice(0, -3))],
  ["text after the header's object", bad, "text after the end", (s) => (s.edit = (text) => `${text}{}`)],
  ["200 brackets in the header", bad, "nested deeper", (s) => (s.edit = () => `{"a":${"[".repeat(200)}`)],
  [
    "two million values in the header",
    bad,
    "has more than 1048576 values",
    (s) => (s.edit = () => `{"a":[${"1,".repeat(2e6)}1]}`),
  ],
  ["one name twice", bad, "twice", (s) => (s.edit = (text) => text.replace(second, first))],
  ["a control character in a name", bad, "control character", (s) => (s.edit = (t) => t.replace("embed", "\u0001"))],
  ["half a surrogate pair in a name", bad, "surrogate", (s) => (s.edit = (text) => text.replace("embed", "\\ud800"))],
  ["a dtype that is none", bad, `${first}": has the unknown dtype "F33"`, (s) => (s.entry(first).dtype = "F33")],
  ["a dtype that is a number", bad, "dtype: must be a string", (s) => (s.entry(first).dtype = 4)],
  ["a dtype of another size", bad, "dtype and shape need 512", (s) => (s.entry(first).dtype = "BF16")],
  ["no shape", bad, '"shape": is missing', (s) => (s.entry(first).shape = undefined)],
  ["a shape that is an object", bad, "shape: must be an array", (s) => (s.entry(first).shape = { a: 1 })],
  ["a negative dimension", bad, "negative dimension -32", (s) => (s.entry(first).shape = [-32, -8])],
  ["half a dimension", bad, "must be a whole number", (s) => (s.entry(first).shape = [0.5, 512])],
  ["five dimensions", "ENGINE_UNSUPPORTED", "has 5 dimensions", (s) => (s.entry(first).shape = [32, 8, 1, 1, 1])],
  ["sizes whose product wraps", bad, "overflows 64 bits", (s) => (s.entry(first).shape = [2 ** 32, 2 ** 32, 4])],
  [
    "sizes whose product wraps with the element",
    bad,
    "overflows 64 bits",
    (s) => (s.entry(first).shape = [2 ** 31, 2 ** 31]),
  ],
  ["no offsets", bad, '"data_offsets": is missing', (s) => (s.entry(first).data_offsets = undefined)],
  ["three offsets", bad, "must be two numbers", (s) => (s.entry(first).data_offsets = [0, 1024, 1056])],
  [
    "offsets that are texts",
    bad,
    "data_offsets: must be a whole number",
    (s) => (s.entry(first).data_offsets = ["0", "1024"]),
  ],
  ["a negative offset", bad, "lie outside", (s) => (s.entry(first).data_offsets = [-8, 1016])],
  ["an end before its begin", bad, "lie outside", (s) => (s.entry(first).data_offsets = [1024, 0])],
  ["an end behind the file", bad, "lie outside", (s) => (s.entry(first).data_offsets = [0, 2 ** 40])],
  ["offsets that span too little", bad, "span 1000 bytes", (s) => (s.entry(first).data_offsets = [0, 1000])],
  ["two tensors on the same bytes", bad, "overlaps the tensor before", (s) => (s.entry(second).data_offsets = [0, 32])],
  [
    "tensors that overlap by a part",
    bad,
    "overlaps the tensor before",
    (s) => (s.entry(second).data_offsets = [1008, 1040]),
  ],
  ["bytes that belong to no tensor", bad, "leaves a gap", (s) => void s.entries.delete(second)],
  [
    "bytes after the last tensor",
    bad,
    "8 bytes after its last",
    (s) => (s.data = Buffer.concat([s.data, Buffer.alloc(8)])),
  ],
  ["half of the data", bad, "lie outside", (s) => (s.data = s.data.subarray(0, s.data.length / 2))],
  ["metadata of numbers", bad, "__metadata__ format: must be a string", (s) => (s.metadata = { format: 1 })],
  ["metadata that are not UTF-8", bad, "is not UTF-8", (s) => (s.edit = (text) => text.replace('"pt"', '"pt\xff"'))],
  [
    "a name cut inside a character",
    bad,
    "is not UTF-8",
    (s) => (s.edit = (text) => text.replace("embed", "emb\xe4\xb8")),
  ],
  [
    "a name with a zero byte, told whole",
    bad,
    "embed\\u0000rest",
    (s) => {
      s.entry(first).dtype = "F33";
      s.edit = (text) => text.replace("embed", "embed\\u0000rest");
    },
  ],
  ["metadata in a list", bad, "__metadata__: must be an object", (s) => (s.metadata = ["pt"])],
];

const raw = (name: string, says: string, bytes: Buffer): MalformedCase => ({
  name,
  code: bad,
  says,
  write: (dir) => {
    writeFolder(dir, tinyFolder());
    writeFileSync(join(dir, "model.safetensors"), bytes);
  },
});

/** A whole file whose header has so many bytes modulo 2^16: blanks fill it up, as writers fill it to a multiple of 8. */
export function headerOfLength(length: number): Buffer {
  const image = tinyFolder().weights;
  image.edit = (text) => text + " ".repeat((length - text.length + 65536) % 65536);
  return image.bytes();
}

export const safetensorsCorpus: Corpus = {
  reader: "safetensors",
  whole: (dir) => writeFolder(dir, tinyFolder()),
  read: (dir) => inspectModel({ kind: "hf", dir }),
  cases: [
    ...casesOf(
      rows,
      () => tinyFolder().weights,
      (dir, weights) => writeFolder(dir, { ...tinyFolder(), weights }),
    ),
    raw("an empty file", "is no safetensors file but an empty file", Buffer.alloc(0)),
    raw("seven bytes", "too short", Buffer.from("seven b")),
    raw("zero bytes alone", "a file of zero bytes", Buffer.alloc(4096)),
    raw("a pickle under the name", "can run code when loaded", Buffer.from([0x80, 0x02, 0x7d, 0x71, 0, 0, 0, 0, 0x2e])),
    raw("a zip of PyTorch under the name", "can run code when loaded", Buffer.from("PK\x03\x04archive/data.pkl")),
    raw("a web page under the name", "a web page (HTML)", Buffer.from("\n<!DOCTYPE html><html>Not found</html>")),
    raw(
      "a Git LFS pointer",
      "a Git LFS pointer",
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    ),
    raw("a GGUF file under the name", "a GGUF file", Buffer.from("GGUF\x03\0\0\0aaaaaaaaaaaaaaaaaaa")),
  ],
};
