import { inspectModel } from "@anneal/engine";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { type Corpus, casesOf, type FolderImage, notFiles, type Row, tinyFolder, writeFolder } from "./corpus.ts";

const bad = "ENGINE_FORMAT";
const unsupported = "ENGINE_UNSUPPORTED";
const set =
  (fields: Record<string, unknown>) =>
  ({ config }: FolderImage) =>
    Object.assign(config, fields);
const experts = {
  model_type: "qwen3_moe",
  num_experts: 4,
  num_experts_per_tok: 2,
  moe_intermediate_size: 8,
};
const latent = {
  model_type: "deepseek_v3",
  kv_lora_rank: 4,
  qk_nope_head_dim: 4,
  qk_rope_head_dim: 2,
  v_head_dim: 4,
  n_routed_experts: 8,
  num_experts_per_tok: 2,
  moe_intermediate_size: 8,
};

const configs: Row<FolderImage>[] = [
  ["no config.json", "ENGINE_IO", "config.json", ({ files }) => files.set("config.json", null)],
  [
    "a config.json that is no JSON",
    bad,
    /config\.json: JSON .*byte/,
    ({ files }) => files.set("config.json", "{'a': 1}"),
  ],
  ["a config.json that is a list", bad, "must be an object", ({ files }) => files.set("config.json", "[]")],
  ["a key twice in config.json", bad, "twice", ({ files }) => files.set("config.json", '{"a":1,"a":2}')],
  ["no model_type", bad, '"model_type": is missing', set({ model_type: undefined })],
  ["a model_type that is a number", bad, '"model_type": must be a string', set({ model_type: 3 })],
  ["a family nobody knows", unsupported, 'model_type "bert" is not supported', set({ model_type: "bert" })],
  ["weights quantised elsewhere", unsupported, "quantization_config", set({ quantization_config: { bits: 4 } })],
  ["an embedding model made of a decoder", unsupported, "is_causal false is not supported", set({ is_causal: false })],
  ["no vocab_size", bad, '"vocab_size": is missing', set({ vocab_size: undefined })],
  ["a vocabulary of 2^40", bad, "vocab_size is 1099511627776", set({ vocab_size: 2 ** 40 })],
  ["a width that is a text", bad, '"hidden_size": must be a whole number', set({ hidden_size: "8" })],
  ["a width and a half", bad, '"intermediate_size": must be a whole number', set({ intermediate_size: 16.5 })],
  ["no layer", bad, "num_hidden_layers is 0", set({ num_hidden_layers: 0 })],
  ["a milliard layers", bad, "num_hidden_layers is 1000000000", set({ num_hidden_layers: 1e9 })],
  ["no head", bad, "num_attention_heads must be at least 1", set({ num_attention_heads: 0 })],
  [
    "key heads that do not divide",
    bad,
    "not a multiple of num_key_value_heads",
    set({ num_attention_heads: 3, num_key_value_heads: 2 }),
  ],
  ["more key heads than heads", bad, "num_key_value_heads is 4", set({ num_key_value_heads: 4 })],
  ["an odd head", bad, "head_dim must be even", set({ head_dim: 5 })],
  ["an epsilon of 0", bad, "rms_norm_eps must lie between", set({ rms_norm_eps: 0 })],
  ["a negative theta", bad, "rope_theta must be positive", set({ rope_theta: -1 })],
  ["a negative context", bad, "max_position_embeddings is -1", set({ max_position_embeddings: -1 })],
  ["a scaling nobody knows", unsupported, 'rope_type "spiral"', set({ rope_scaling: { rope_type: "spiral" } })],
  [
    "llama3 scaling with its borders swapped",
    bad,
    "high_freq_factor > low_freq_factor",
    set({ rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 1 } }),
  ],
  [
    "a scaling factor of 0",
    bad,
    "rope scaling factor must be positive",
    set({ rope_scaling: { rope_type: "linear", factor: 0 } }),
  ],
  [
    "longrope without its factors",
    bad,
    "as many values of short_factor and long_factor",
    set({ rope_scaling: { rope_type: "longrope", short_factor: [1] } }),
  ],
  ["another activation", unsupported, 'hidden_act "relu"', set({ hidden_act: "relu" })],
  [
    "layer types for another number of layers",
    bad,
    "layer_types holds 2 values for 1 layers",
    set({
      model_type: "qwen3",
      use_sliding_window: true,
      sliding_window: 4,
      layer_types: ["full_attention", "full_attention"],
    }),
  ],
  [
    "a window of 0",
    bad,
    "sliding_window is 0",
    set({ model_type: "qwen3", use_sliding_window: true, sliding_window: 0, layer_types: ["sliding_attention"] }),
  ],
  [
    "more experts for a token than there are",
    bad,
    "num_experts_per_tok is 9",
    set({ ...experts, num_experts_per_tok: 9 }),
  ],
  ["a million experts", bad, "the number of experts is 1000000", set({ ...experts, num_experts: 1e6 })],
  ["expert groups that do not divide", bad, "not a multiple of n_group", set({ ...latent, n_group: 3, topk_group: 1 })],
  ["latent attention without its rank", bad, "kv_lora_rank must be at least 1", set({ ...latent, kv_lora_rank: 0 })],
];

const layerNorm = "model.layers.0.input_layernorm.weight";
const weights: Row<FolderImage>[] = [
  ["no weights", "ENGINE_IO", "model.safetensors", ({ files }) => files.set("model.safetensors", null)],
  ["a tensor missing", bad, `"${layerNorm}" is missing`, (f) => (f.weights = renamed(f.weights, layerNorm, null))],
  [
    "a tensor of another model",
    bad,
    "tensor visual.proj.weight does not belong",
    (f) => void f.weights.add("visual.proj.weight", [2, 2]),
  ],
  [
    "a tensor of another shape",
    "ENGINE_SHAPE",
    `${layerNorm} has shape`,
    (f) => (f.weights.entry(layerNorm).shape = [2, 4]),
  ],
  ["weights of whole numbers", unsupported, "has type I32", (f) => (f.weights.entry(layerNorm).dtype = "I32")],
  ["an expert missing", bad, 'experts.3.gate_proj.weight" is missing', (f) => mixture(f, [8, 8, 8])],
  [
    "an expert of another width",
    "ENGINE_SHAPE",
    "experts.2.gate_proj.weight has shape (4, 8)",
    (f) => mixture(f, [8, 8, 4, 8]),
  ],
];

/** A mixture of experts of these widths, where config.json says four of 8. */
function mixture(folder: FolderImage, widths: number[]): void {
  set(experts)(folder);
  const layer = "model.layers.0";
  folder.weights = renamed(folder.weights, ".mlp.", null).add(`${layer}.mlp.gate.weight`, [4, 8]);
  folder.weights.add(`${layer}.self_attn.q_norm.weight`, [4]).add(`${layer}.self_attn.k_norm.weight`, [4]);
  widths.forEach((width, i) => {
    const expert = `${layer}.mlp.experts.${i}`;
    folder.weights.add(`${expert}.gate_proj.weight`, [width, 8]).add(`${expert}.up_proj.weight`, [width, 8]);
    folder.weights.add(`${expert}.down_proj.weight`, [8, width]);
  });
}

/** The same tensors without those whose names hold `part`, or with that part changed. */
function renamed(image: SafetensorsImage, part: string, to: string | null): SafetensorsImage {
  const out = new SafetensorsImage();
  for (const [name, { shape }] of image.entries)
    if (!name.includes(part) || to !== null) out.add(to === null ? name : name.replace(part, to), shape as number[]);
  return out;
}

const indexName = "model.safetensors.index.json";
/** The weights in two shards; `change` breaks the index before it is written. */
function shards({ weights: all, files }: FolderImage, change: (map: Record<string, unknown>) => void): void {
  const [one, two] = [new SafetensorsImage(), new SafetensorsImage()];
  const map: Record<string, unknown> = {};
  for (const [name, { shape }] of all.entries) {
    const second = name === layerNorm;
    (second ? two : one).add(name, shape as number[]);
    map[name] = second ? "two.safetensors" : "one.safetensors";
  }
  change(map);
  files.set("model.safetensors", null).set("one.safetensors", one.bytes()).set("two.safetensors", two.bytes());
  files.set(indexName, JSON.stringify({ metadata: {}, weight_map: map }));
}
const shard = (file: unknown) => (f: FolderImage) => shards(f, (map) => (map[layerNorm] = file));

const indexes: Row<FolderImage>[] = [
  ["an index that is no JSON", bad, /index\.json: JSON/, ({ files }) => files.set(indexName, "weight_map")],
  ["an index without a map", bad, '"weight_map": is missing', ({ files }) => files.set(indexName, "{}")],
  [
    "a map that is a list",
    bad,
    "weight_map: must be an object",
    ({ files }) => files.set(indexName, '{"weight_map":[]}'),
  ],
  ["a shard in the folder above", bad, "must name a file of this folder", shard("../two.safetensors")],
  ["a shard by absolute path", bad, "must name a file of this folder", shard("/etc/passwd")],
  ["a shard with a NUL in its name", bad, "must name a file of this folder", shard("two\0.safetensors")],
  ["a shard that is a number", bad, "must be a string", shard(2)],
  ["a shard that is not there", "ENGINE_IO", "three.safetensors", shard("three.safetensors")],
  [
    "a tensor in another shard than the map says",
    bad,
    "one.safetensors does not hold this tensor",
    shard("one.safetensors"),
  ],
  [
    "a tensor that the map forgets",
    bad,
    "is not named by model.safetensors.index.json",
    (f) => shards(f, (map) => (map["model.norm.weight"] = undefined)),
  ],
  [
    "a tensor in two shards",
    bad,
    "lies in two shards",
    (f) => {
      shards(f, () => undefined);
      const two = new SafetensorsImage().add(layerNorm, [8]).add("model.norm.weight", [8]);
      f.files.set("two.safetensors", two.bytes());
    },
  ],
];

export const folderCorpus: Corpus = {
  reader: "Hugging Face folder",
  whole: (dir) => {
    const folder = tinyFolder();
    shards(folder, () => undefined);
    writeFolder(dir, folder);
  },
  read: (dir) => inspectModel({ kind: "hf", dir }),
  cases: [
    ...casesOf([...configs, ...weights, ...indexes], tinyFolder, writeFolder),
    ...notFiles("config.json", "ENGINE_IO", (dir) =>
      writeFolder(dir, { ...tinyFolder(), files: new Map([["config.json", null]]) }),
    ),
  ],
};
