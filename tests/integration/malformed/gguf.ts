import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectModel } from "@anneal/engine";
import { f32, GgufImage, ggufString, little, valueTypes } from "../../support/model-files/gguf-image.ts";
import { type Corpus, casesOf, type MalformedCase, notFiles, type Row, tinyFolder } from "./corpus.ts";

function tinyGguf(): GgufImage {
  const image = new GgufImage();
  image.setString("general.architecture", "llama").setU32("general.alignment", 32);
  const numbers = { embedding_length: 32, block_count: 1, feed_forward_length: 64, context_length: 64 };
  for (const [key, value] of Object.entries(numbers)) image.setU32(`llama.${key}`, value);
  image.setU32("llama.attention.head_count", 2).setU32("llama.attention.head_count_kv", 1);
  image.set("llama.attention.layer_norm_rms_epsilon", valueTypes.f32, f32(1e-5));
  image.set("flag", valueTypes.bool, little(1, 1));
  const words = Buffer.concat(["a", "b"].map(ggufString));
  image.set("words", valueTypes.array, Buffer.concat([little(valueTypes.string, 4), little(2, 8), words]));
  const [F16, Q4_0, Q8_0] = [1, 2, 8];
  image.add("token_embd.weight", [32, 32], Q8_0).add("output_norm.weight", [32]);
  image.add("blk.0.attn_norm.weight", [32]).add("blk.0.attn_q.weight", [32, 32], Q8_0);
  image.add("blk.0.attn_k.weight", [32, 16], F16).add("blk.0.attn_v.weight", [32, 16], Q4_0);
  image.add("blk.0.attn_output.weight", [32, 32]).add("blk.0.ffn_norm.weight", [32]);
  image.add("blk.0.ffn_gate.weight", [32, 64]).add("blk.0.ffn_up.weight", [32, 64]);
  return image.add("blk.0.ffn_down.weight", [64, 32], Q4_0);
}

const bad = "ENGINE_FORMAT";
const unsupported = "ENGINE_UNSUPPORTED";
const norm = "output_norm.weight"; // 128 bytes behind the 1088 of token_embd
const query = "blk.0.attn_q.weight";
const array = (type: number, count: number | bigint, values = Buffer.alloc(0)) =>
  Buffer.concat([little(type, 4), little(count, 8), values]);

const rows: Row<GgufImage>[] = [
  ["other letters at the beginning", bad, "is no GGUF file", (g) => (g.magic = "GGML")],
  ["version 1", unsupported, "is GGUF version 1", (g) => (g.version = 1)],
  ["version 4", unsupported, "is GGUF version 4", (g) => (g.version = 4)],
  ["a big-endian file", unsupported, "big-endian", (g) => (g.version = 0x03000000)],
  ["2^64 - 1 keys", bad, "keys, more than the file can hold", (g) => (g.keyCount = 2n ** 64n - 1n)],
  ["2^61 tensors", bad, "tensors, more than the file can hold", (g) => (g.tensorCount = 2n ** 61n)],
  [
    "a key less than there are",
    bad,
    "has 9 dimensions; 1 to 4 are possible",
    (g) => (g.keyCount = BigInt(g.keys.length - 1)),
  ],
  [
    "a key's name of 2^40 bytes",
    bad,
    "a key's name is 1099511627776 bytes",
    (g) => (g.key("flag").name = little(2 ** 40, 8)),
  ],
  ["a key without a name", bad, "has an empty name", (g) => (g.key("flag").name = ggufString(""))],
  ["one key twice", bad, 'key "flag": occurs twice', (g) => void g.keys.push({ ...g.key("flag") })],
  ["a value type that is none", bad, "unknown value type 13", (g) => (g.key("flag").type = 13)],
  ["a boolean of 2", bad, "boolean with the value 2", (g) => (g.key("flag").value = little(2, 1))],
  [
    "a string of 2^63 bytes",
    bad,
    "general.architecture",
    (g) => (g.key("general.architecture").value = little(2n ** 63n, 8)),
  ],
  [
    "a list of 2^62 numbers",
    bad,
    "announces 4611686018427387904 elements",
    (g) => (g.key("words").value = array(valueTypes.u32, 2n ** 62n)),
  ],
  [
    "a list of 2^61 strings",
    bad,
    "announces 2305843009213693952 elements",
    (g) => (g.key("words").value = array(valueTypes.string, 2n ** 61n)),
  ],
  ["a list of lists", unsupported, "array of arrays", (g) => (g.key("words").value = array(valueTypes.array, 1))],
  [
    "a boolean of 7 in a list",
    bad,
    "holds a boolean with the value 7",
    (g) => (g.key("words").value = array(valueTypes.bool, 2, Buffer.from([1, 7]))),
  ],
  ["an alignment of 48", bad, "must be a power of two", (g) => void g.setU32("general.alignment", 48)],
  ["an alignment of 0", bad, "must be a power of two", (g) => void g.setU32("general.alignment", 0)],
  [
    "an alignment of 64 bits, which llama.cpp does not read",
    bad,
    "must be a 32-bit whole number",
    (g) => void g.set("general.alignment", valueTypes.u64, little(32, 8)),
  ],
  [
    "no epsilon of the norms, which llama.cpp needs",
    bad,
    '"llama.attention.layer_norm_rms_epsilon": is missing',
    (g) => void g.remove("llama.attention.layer_norm_rms_epsilon"),
  ],
  [
    "the first of two parts",
    unsupported,
    "is part 1 of 2 of a model",
    (g) => void g.set("split.no", valueTypes.u16, little(0, 2)).set("split.count", valueTypes.u16, little(2, 2)),
  ],
  [
    "a count of parts alone",
    unsupported,
    "is part 1 of 65535 of a model",
    (g) => void g.set("split.count", valueTypes.u16, little(65535, 2)),
  ],
  [
    "a part past the count",
    bad,
    "split.no is 5, split.count 2",
    (g) => void g.set("split.no", valueTypes.u16, little(5, 2)).set("split.count", valueTypes.u16, little(2, 2)),
  ],
  ["a count of parts that is a text", bad, "split.count", (g) => void g.setString("split.count", "2")],
  [
    "another number of tensors than split.* says",
    bad,
    "split.tensors.count is 7",
    (g) => void g.set("split.count", valueTypes.u16, little(1, 2)).setU32("split.tensors.count", 7),
  ],
  [
    "attention in both directions",
    unsupported,
    "llama.attention.causal false is not supported",
    (g) => void g.set("llama.attention.causal", valueTypes.bool, Buffer.from([0])),
  ],
  [
    "an architecture with a zero byte, told whole",
    unsupported,
    'general.architecture "llama\\u0000x" is not supported',
    (g) => void g.setString("general.architecture", "llama\0x"),
  ],
  [
    "factors of a rotation that nothing reads",
    bad,
    "tensor rope_factors_long.weight does not belong",
    (g) => void g.add("rope_factors_long.weight", [2]),
  ],
  ["an alignment that is a text", bad, "general.alignment", (g) => void g.setString("general.alignment", "32")],
  ["a tensor without a name", bad, "has an empty name", (g) => (g.tensor(norm).name = ggufString(""))],
  ["one tensor twice", bad, "occurs twice", (g) => (g.tensor("blk.0.attn_norm.weight").name = ggufString(norm))],
  ["no dimension", bad, "has 0 dimensions", (g) => Object.assign(g.tensor(norm), { rank: 0, dims: [] })],
  ["five dimensions", bad, "has 5 dimensions", (g) => (g.tensor(norm).rank = 5)],
  ["a dimension of 0", bad, "has a dimension of 0", (g) => (g.tensor(norm).dims = [0n])],
  ["a dimension of 2^63", bad, "has a dimension of 9223372036854775808", (g) => (g.tensor(norm).dims = [2n ** 63n])],
  [
    "sizes whose product wraps",
    bad,
    "overflows 64 bits",
    (g) => Object.assign(g.tensor(norm), { dims: [2n ** 32n, 2n ** 32n, 32n], rank: 3 }),
  ],
  [
    "more elements than 63 bits count",
    bad,
    "63 bits",
    (g) => Object.assign(g.tensor(norm), { dims: [2n ** 32n, 2n ** 31n], rank: 2 }),
  ],
  [
    "bytes whose product wraps",
    bad,
    "overflows 64 bits",
    (g) => Object.assign(g.tensor(norm), { dims: [2n ** 31n, 2n ** 31n], rank: 2 }),
  ],
  ["a tensor type that is none", unsupported, "unknown type number 99", (g) => (g.tensor(norm).type = 99)],
  ["a type that was removed", unsupported, "unknown type number 4", (g) => (g.tensor(query).type = 4)],
  ["part of a block", bad, "no multiple of Q8_0's block", (g) => (g.tensor(query).dims = [31n, 32n])],
  ["rows shorter than a super-block", bad, "no multiple of Q4_K's block", (g) => (g.tensor(query).type = 12)],
  [
    "a type nothing computes with",
    unsupported,
    "holds I8, which this engine cannot compute with",
    (g) => (g.tensor("blk.0.attn_k.weight").type = 24),
  ],
  ["an offset off the alignment", bad, "no multiple of the alignment", (g) => (g.tensor(norm).offset += 4n)],
  ["an offset behind the file", bad, "reach outside the file", (g) => (g.tensor(norm).offset = 2n ** 40n)],
  ["an offset that wraps", bad, "reach outside the file", (g) => (g.tensor(norm).offset = 2n ** 64n - 32n)],
  ["two tensors on the same bytes", bad, "overlaps tensor", (g) => (g.tensor(norm).offset = 0n)],
  ["an incomplete download", bad, "the download may be incomplete", (g) => (g.data = g.data.subarray(0, 4000))],
  ["no architecture", bad, '"general.architecture": is missing', (g) => g.remove("general.architecture")],
  [
    "an architecture nobody knows",
    unsupported,
    'general.architecture "mamba"',
    (g) => void g.setString("general.architecture", "mamba"),
  ],
  [
    "an embedding model made of a decoder",
    unsupported,
    "llama.attention.causal false is not supported",
    (g) => void g.set("llama.attention.causal", valueTypes.bool, little(0, 1)),
  ],
  ["no width", bad, '"llama.embedding_length": is missing', (g) => g.remove("llama.embedding_length")],
  ["a width that is a text", bad, "must be a whole number", (g) => void g.setString("llama.embedding_length", "32")],
  ["no head", bad, "head_count must be at least 1", (g) => void g.setU32("llama.attention.head_count", 0)],
  ["4 milliard layers", bad, "num_hidden_layers is 4294967295", (g) => void g.setU32("llama.block_count", 2 ** 32 - 1)],
  [
    "one layer more than the file holds",
    bad,
    '"blk.1.attn_norm.weight" is missing',
    (g) => void g.setU32("llama.block_count", 2),
  ],
  [
    "a scaling nobody knows",
    unsupported,
    'rope.scaling.type "spiral"',
    (g) =>
      void g.setString("llama.rope.scaling.type", "spiral").set("llama.rope.scaling.factor", valueTypes.f32, f32(4)),
  ],
  [
    "a tensor of another shape",
    "ENGINE_SHAPE",
    `${query} has shape (16, 32)`,
    (g) => (g.tensor(query).dims = [32n, 16n]),
  ],
  [
    "a tensor of another model",
    bad,
    "tensor v.patch_embd.weight does not belong",
    (g) => void g.add("v.patch_embd.weight", [32]),
  ],
];

const cut = (bytes: number, says: string): MalformedCase => ({
  name: `the first ${bytes} bytes`,
  code: bad,
  says,
  write: (dir) => writeFileSync(join(dir, "model.gguf"), tinyGguf().bytes().subarray(0, bytes)),
});

export const ggufCorpus: Corpus = {
  reader: "GGUF",
  whole: (dir) => writeFileSync(join(dir, "model.gguf"), tinyGguf().bytes()),
  read: (dir) => inspectModel({ kind: "gguf", path: join(dir, "model.gguf") }),
  cases: [
    ...casesOf(rows, tinyGguf, (dir, image) => writeFileSync(join(dir, "model.gguf"), image.bytes())),
    cut(0, "is no GGUF file but an empty file"),
    ...(
      [
        ["a web page", "a web page (HTML)", Buffer.from("<html><head><title>Sign in</title></head></html>")],
        ["a Git LFS pointer", "a Git LFS pointer", Buffer.from("version https://git-lfs.github.com/spec/v1\n")],
        ["a pickle", "a PyTorch pickle", Buffer.from([0x80, 4, 0x95, 1, 0, 0, 0, 0, 0, 0, 0, 0x2e])],
        ["a zip archive", "a zip archive", Buffer.from("PK\x03\x04archive/data.pkl")],
        ["a safetensors file", "a safetensors file", tinyFolder().weights.bytes()],
        ["JSON", "a JSON file", Buffer.from('{"model_type": "llama"}')],
      ] as const
    ).map(
      ([name, says, bytes]): MalformedCase => ({
        name: `${name} under the name`,
        code: bad,
        says: `is no GGUF file but ${says}`,
        write: (dir) => writeFileSync(join(dir, "model.gguf"), bytes),
      }),
    ),
    cut(6, "ends inside the version"),
    cut(20, "ends inside the key count"),
    cut(100, "more than the file can hold"),
    ...notFiles("model.gguf", "ENGINE_IO"),
  ],
};
