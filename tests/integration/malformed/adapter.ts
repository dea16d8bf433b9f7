import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSession, type TrainingSpec } from "@anneal/engine";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { specOf } from "../engine/support.ts";
import { type Corpus, casesOf, type Row, tinyFolder, writeFolder } from "./corpus.ts";

interface AdapterImage {
  config: Record<string, unknown>;
  weights: SafetensorsImage;
  files: Map<string, string | Buffer | null>;
}

const module = "base_model.model.model.layers.0.self_attn.q_proj";
const a = `${module}.lora_A.weight`;
const b = `${module}.lora_B.weight`;

const tinyAdapter = (): AdapterImage => ({
  config: { peft_type: "LORA", r: 2, lora_alpha: 4, lora_dropout: 0, bias: "none", target_modules: ["q_proj"] },
  weights: new SafetensorsImage().add(a, [2, 8]).add(b, [8, 2]),
  files: new Map(),
});

function writeAdapter(dir: string, { config, weights, files }: AdapterImage): void {
  writeFolder(dir, tinyFolder());
  const folder = join(dir, "adapter");
  mkdirSync(folder, { recursive: true });
  const all = new Map<string, string | Buffer | null>([
    ["adapter_config.json", JSON.stringify(config)],
    ["adapter_model.safetensors", weights.bytes()],
    ...files,
  ]);
  for (const [name, content] of all) if (content !== null) writeFileSync(join(folder, name), content);
}

const bad = "ENGINE_FORMAT";
const unsupported = "ENGINE_UNSUPPORTED";
const set =
  (fields: Record<string, unknown>) =>
  ({ config }: AdapterImage) =>
    Object.assign(config, fields);

const rows: Row<AdapterImage>[] = [
  ["no adapter_config.json", "ENGINE_IO", "adapter_config.json", ({ files }) => files.set("adapter_config.json", null)],
  [
    "a configuration that is no JSON",
    bad,
    "adapter_config.json: JSON",
    ({ files }) => files.set("adapter_config.json", "r: 2"),
  ],
  ["no peft_type", bad, '"peft_type": is missing', set({ peft_type: undefined })],
  ["another method", unsupported, 'must be LORA, found "IA3"', set({ peft_type: "IA3" })],
  ["no rank", bad, '"r": is missing', set({ r: undefined })],
  ["a rank of 0", bad, '"r": must be from 1', set({ r: 0 })],
  ["a rank of 2^40", bad, '"r": must be from 1', set({ r: 2 ** 40 })],
  ["a rank that is a text", bad, '"r": must be a whole number', set({ r: "2" })],
  ["no alpha", bad, '"lora_alpha": is missing', set({ lora_alpha: undefined })],
  ["a dropout of 1", bad, '"lora_dropout": must be at least 0 and below 1', set({ lora_dropout: 1 })],
  ["trained biases", unsupported, '"bias": must be "none"', set({ bias: "all" })],
  ["further modules trained whole", unsupported, '"modules_to_save": is set', set({ modules_to_save: ["lm_head"] })],
  ["ranks of their own that no tensor has", bad, "does not fit r = 4", set({ rank_pattern: { q_proj: 4 } })],
  [
    "ranks by a regular expression",
    unsupported,
    '"rank_pattern": has the key',
    set({ rank_pattern: { "(q|k)_proj": 4 } }),
  ],
  [
    "an alpha that is a text",
    bad,
    '"alpha_pattern" of "q_proj": must be a number',
    set({ alpha_pattern: { q_proj: "4" } }),
  ],
  ["some layers only", unsupported, '"layers_to_transform": is set', set({ layers_to_transform: [0] })],
  [
    "a start that takes its part out of the base",
    unsupported,
    '"init_lora_weights": changes the base',
    set({ init_lora_weights: "pissa_niter_4" }),
  ],
  [
    "experts one by one",
    unsupported,
    "adapts one expert alone",
    ({ weights }) => void weights.add("base_model.model.model.layers.0.mlp.experts.3.up_proj.lora_A.weight", [2, 8]),
  ],
  [
    "a head that is adapted too",
    unsupported,
    "adapts the head, which cannot be adapted here",
    ({ weights }) => void weights.add("base_model.model.lm_head.lora_A.weight", [2, 8]),
  ],
  [
    "other layers than the method's",
    "ENGINE_INVALID_ARGUMENT",
    "adapts k_proj, q_proj, method.targets names q_proj",
    ({ config, weights }) => {
      config.target_modules = ["q_proj", "k_proj"];
      weights.add(a.replace("q_proj", "k_proj"), [2, 8]).add(b.replace("q_proj", "k_proj"), [4, 2]);
    },
  ],
  [
    "targets that leave out what is adapted",
    bad,
    '"target_modules": does not name',
    set({ target_modules: ["k_proj"] }),
  ],
  [
    "a layer that the base does not have",
    "ENGINE_SHAPE",
    "is of layer 7; the base has",
    ({ weights }) => void weights.add(a.replace("layers.0", "layers.7"), [2, 8]),
  ],
  ["targets that are numbers", bad, '"target_modules": must be a string', set({ target_modules: [1] })],
  [
    "parameters that are no experts",
    unsupported,
    '"target_parameters": names something else',
    set({ target_parameters: ["embed"] }),
  ],
  [
    "another rank for merged experts",
    unsupported,
    '"rank_pattern": is set otherwise',
    set({ target_parameters: ["gate_up_proj"], rank_pattern: { ".*\\.gate_up_proj": 3 } }),
  ],
  ["no weights", "ENGINE_IO", "adapter_model.safetensors", ({ files }) => files.set("adapter_model.safetensors", null)],
  [
    "weights in a pickle",
    bad,
    "safe_serialization=True",
    ({ files }) => files.set("adapter_model.safetensors", null).set("adapter_model.bin", "\u0080\u0002"),
  ],
  ["weights cut off", bad, "lie outside", ({ weights }) => (weights.data = weights.data.subarray(0, 100))],
  ["a tensor of another rank", bad, "does not fit r = 2", ({ weights }) => (weights.entry(a).shape = [4, 4])],
  [
    "a tensor that is neither A nor B",
    unsupported,
    "is neither lora_A nor lora_B",
    ({ weights }) => void weights.add(`${module}.weight`, [2, 2]),
  ],
  [
    "a tensor of another width",
    "ENGINE_SHAPE",
    `${a}": has the shape (2, 4)`,
    (image) => (image.weights = new SafetensorsImage().add(a, [2, 4]).add(b, [8, 2])),
  ],
  ["one half of a pair", bad, `"${b}" is missing`, (image) => (image.weights = new SafetensorsImage().add(a, [2, 8]))],
  ["a NaN", bad, `${a} holds a NaN or infinity`, ({ weights }) => void weights.data.writeUInt32LE(0x7fc00000, 4)],
];

const spec = (dir: string): TrainingSpec =>
  specOf({
    base: { kind: "hf", dir },
    method: { kind: "lora", rank: 2, alpha: 4, dropout: 0, rsLora: false, targets: ["q_proj"] },
    maxTokensPerMicroBatch: 16,
    maxSequenceTokens: 16,
    adapter: join(dir, "adapter"),
  });

export const adapterCorpus: Corpus = {
  reader: "adapter",
  whole: (dir) => writeAdapter(dir, tinyAdapter()),
  read: async (dir) => (await openSession(spec(dir))).close(),
  cases: casesOf(rows, tinyAdapter, writeAdapter),
};
