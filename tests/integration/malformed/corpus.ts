// What a table of malformed files consists of, and the smallest whole files that they are made from.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";

export interface MalformedCase {
  /** How the whole file is damaged. */
  name: string;
  /** The error's stable code; of a dataset's bad line its place ("line 2"). */
  code: string;
  /** What the message must say: the field or the place, and the cause. */
  says: string | RegExp;
  /** Writes the damaged file into a folder of its own. */
  write: (dir: string) => void;
}

/** One kind of file: `whole` is read without a complaint, every case is refused. */
export interface Corpus {
  reader: string;
  whole: (dir: string) => void;
  read: (dir: string) => unknown;
  cases: MalformedCase[];
}

/** A row of a table: how it is damaged, code, fragment, and the damage. */
export type Row<Image> = [name: string, code: string, says: string | RegExp, damage: (image: Image) => void];

export function casesOf<Image>(rows: Row<Image>[], make: () => Image, write: (dir: string, image: Image) => void) {
  return rows.map(([name, code, says, damage]): MalformedCase => {
    const into = (dir: string) => {
      const image = make();
      damage(image);
      write(dir, image);
    };
    return { name, code, says, write: into };
  });
}

/** Things that are no file, in the place of `file`: none may be read, and none may keep its reader waiting. `others` writes the rest. */
export function notFiles(file: string, code: string, others: (dir: string) => void = () => undefined): MalformedCase[] {
  const kinds: [string, RegExp, (path: string) => void][] = [
    ["a folder", /no regular file/, (path) => mkdirSync(path)],
    ["a pipe", /no regular file/, (path) => execFileSync("mkfifo", [path])],
    ["a device", /no regular file/, (path) => symlinkSync("/dev/zero", path)],
    ["a link to itself", /cannot (be )?open/, (path) => symlinkSync(path, path)],
  ];
  return kinds.map(([name, says, make]) => ({
    name: `${name} in ${file}'s place`,
    code,
    says,
    write: (dir) => {
      others(dir);
      make(join(dir, file));
    },
  }));
}

/** A file of bytes: a copy of the `whole` one is damaged, or something that is no file stands in its place. */
export interface BytesImage {
  bytes: Buffer;
}
export function bytesCorpus(
  reader: string,
  file: { name: string; code: string; whole: () => Buffer; read: (path: string) => unknown },
  rows: Row<BytesImage>[],
): Corpus {
  const write = (dir: string, { bytes }: BytesImage) => writeFileSync(join(dir, file.name), bytes);
  return {
    reader,
    whole: (dir) => write(dir, { bytes: file.whole() }),
    read: (dir) => file.read(join(dir, file.name)),
    cases: [...casesOf(rows, () => ({ bytes: Buffer.from(file.whole()) }), write), ...notFiles(file.name, file.code)],
  };
}

/** A model's folder: config.json and the weights, which a case may replace by files of its own. */
export interface FolderImage {
  config: Record<string, unknown>;
  weights: SafetensorsImage;
  files: Map<string, string | Buffer | null>; // null: leave the file out
}

export function tinyFolder(): FolderImage {
  const config = {
    model_type: "llama",
    vocab_size: 32,
    hidden_size: 8,
    intermediate_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 4,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: "silu",
    tie_word_embeddings: true,
  };
  const layer = "model.layers.0";
  const weights = new SafetensorsImage()
    .add("model.embed_tokens.weight", [32, 8])
    .add(`${layer}.input_layernorm.weight`, [8])
    .add(`${layer}.self_attn.q_proj.weight`, [8, 8])
    .add(`${layer}.self_attn.k_proj.weight`, [4, 8])
    .add(`${layer}.self_attn.v_proj.weight`, [4, 8])
    .add(`${layer}.self_attn.o_proj.weight`, [8, 8])
    .add(`${layer}.post_attention_layernorm.weight`, [8])
    .add(`${layer}.mlp.gate_proj.weight`, [16, 8])
    .add(`${layer}.mlp.up_proj.weight`, [16, 8])
    .add(`${layer}.mlp.down_proj.weight`, [8, 16])
    .add("model.norm.weight", [8]);
  return { config, weights, files: new Map() };
}

export function writeFolder(dir: string, { config, weights, files }: FolderImage): void {
  const all = new Map<string, string | Buffer | null>([
    ["config.json", JSON.stringify(config)],
    ["model.safetensors", weights.bytes()],
    ...files,
  ]);
  for (const [name, content] of all) if (content !== null) writeFileSync(join(dir, name), content);
}
