// A tiny random model of every family, with an adapter trained on all of its linears, as GGUF: real llama.cpp and our own reader
// must both find the model that was trained.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BaseSource,
  type GgufExportType,
  type GgufValue,
  inspectModel,
  openSession,
  type Session,
  type TrainingMethod,
} from "@anneal/engine";
import type { Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goldenVariant } from "../support/model-files/golden-variant.ts";
import { continuation, startLlama } from "../support/real-llama.ts";
import { logSoftmax } from "../support/softmax.ts";
import { worstDifference } from "./engine/support.ts";

const dir = mkdtempSync(join(tmpdir(), "anneal-families-"));
let llama: Llama;
beforeAll(async () => {
  llama = await startLlama();
});
afterAll(async () => {
  await llama.dispose();
  rmSync(dir, { recursive: true, force: true });
});

interface Case {
  golden: string;
  name?: string;
  /** config.json fields of the golden that are replaced. */
  changes?: Record<string, unknown>;
  /** Tokens of the prompt; architectures that llama.cpp runs without windows stay within theirs. */
  prompt?: number;
}

const theta = { rope_theta: 10_000 };
const yarn = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 16, ...theta };
const longrope = {
  rope_type: "longrope",
  ...theta,
  short_factor: [1, 1.1, 1.2, 1.4],
  long_factor: [1, 2, 4, 8],
};
const cases: Case[] = [
  { golden: "llama" },
  { golden: "llama_tied_rope3" },
  { golden: "llama", name: "linear", changes: { rope_parameters: { rope_type: "linear", factor: 3, ...theta } } },
  { golden: "llama", name: "yarn", changes: { rope_parameters: { ...yarn, attention_factor: 0.9 } } },
  { golden: "mistral", prompt: 6 },
  { golden: "qwen2" },
  { golden: "qwen2", name: "a window of no layer", changes: { use_sliding_window: true, sliding_window: 6 } },
  { golden: "qwen2", name: "yarn", changes: { rope_parameters: yarn } },
  { golden: "qwen3" },
  { golden: "qwen3_moe" },
  { golden: "phi3" },
  { golden: "phi3", name: "window", changes: { sliding_window: 16 }, prompt: 6 },
  { golden: "phi3", name: "longrope", changes: { max_position_embeddings: 8192, rope_parameters: longrope } },
  { golden: "phi3", name: "half rotated", changes: { partial_rotary_factor: 0.5, rope_parameters: null } },
  { golden: "gemma2" },
  { golden: "gemma3" },
  {
    golden: "gemma3",
    name: "linear in full layers",
    changes: {
      rope_parameters: {
        full_attention: { rope_type: "linear", factor: 8, rope_theta: 1_000_000 },
        sliding_attention: { rope_type: "default", ...theta },
      },
    },
  },
  {
    golden: "gemma3",
    name: "full layers only",
    changes: { layer_types: ["full_attention", "full_attention"] },
  },
  { golden: "deepseek_v2" },
  {
    golden: "deepseek_v2",
    name: "rotation and scores scaled apart",
    changes: { rope_parameters: { ...yarn, mscale: 1, mscale_all_dim: 0.5 } },
  },
  { golden: "deepseek_v2", name: "scores not scaled", changes: { rope_parameters: yarn } },
  { golden: "deepseek_v2_lite" },
  { golden: "deepseek_v3" },
  {
    golden: "deepseek_v3",
    name: "yarn",
    changes: { rope_parameters: { ...yarn, mscale: 1, mscale_all_dim: 1 } },
  },
  { golden: "deepseek_v3", name: "rotated in halves", changes: { rope_interleave: false } },
];

const open = (base: BaseSource, method: TrainingMethod): Promise<Session> => {
  const tokens = Math.min(64, inspectModel(base).contextLength);
  return openSession({
    base,
    precision: "f32",
    threads: 1,
    seed: 3,
    method,
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: tokens,
    maxSequenceTokens: tokens,
  });
};

/** Tokenizer keys that llama.cpp accepts for a vocabulary without meaning. */
function vocabulary(size: number): Record<string, GgufValue> {
  const tokens = Array.from({ length: size }, (_, i) => (i < 94 ? String.fromCharCode(0x21 + i) : `<unused${i}>`));
  return {
    "general.name": "a test", // llama.cpp looks for tokens of its own in models that are called phi3
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": { type: "i32[]", value: tokens.map((_, i) => (i < 94 ? 1 : 5)) },
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.eos_token_id": { type: "u32", value: size - 1 },
  };
}

const batchOf = (tokens: Int32Array) => ({ tokens, labels: tokens, offsets: Int32Array.of(0, tokens.length) });

/** Trains an adapter on every linear, experts too, and writes the merged model; its logits on the tokens come back. */
async function trainAndExport(hf: string, path: string, tokens: Int32Array, type: GgufExportType) {
  const targets = inspectModel({ kind: "hf", dir: hf }).linearNames;
  const session = await open(
    { kind: "hf", dir: hf },
    { kind: "lora", rank: 3, alpha: 6, dropout: 0, rsLora: false, targets },
  );
  for (let step = 0; step < 3; step++)
    await session.step({ microBatches: [batchOf(tokens)], learningRate: 5e-3, clipNorm: 1, step });
  await session.exportGguf(path, { type, metadata: vocabulary(session.info.vocabSize) });
  const { values } = await session.logits(batchOf(tokens));
  await session.close();
  return values;
}

describe("every family as GGUF", () => {
  for (const { golden, name, changes, prompt: length = 20 } of cases)
    test(`${golden}${name ? `, ${name}` : ""}: llama.cpp and our reader find the model that was trained`, async () => {
      const id = `${golden}-${name ?? "as it is"}`.replaceAll(" ", "-");
      const hf = goldenVariant(golden, changes ?? {}, join(dir, id));
      const path = join(dir, `${id}.gguf`);
      const prompt = Array.from({ length }, (_, i) => 5 + ((i * 37) % 150));
      const trained = await trainAndExport(hf, path, Int32Array.from(prompt), "F32");

      const session = await open({ kind: "gguf", path }, { kind: "full" });
      const { family } = inspectModel({ kind: "hf", dir: hf });
      expect(session.info.family).toBe(family === "mistral" ? "llama" : family); // what its GGUF files call themselves
      const { values: back } = await session.logits(batchOf(Int32Array.from(prompt)));
      expect(worstDifference(back, trained)).toBeLessThan(1e-5);

      const places = await continuation(llama, path, prompt, 8, "F32");
      const chosen = places.map(({ token }) => token);
      const [own] = (
        await session.generate({
          prompts: [Int32Array.from(prompt)],
          maxNewTokens: chosen.length,
          temperature: 0,
          topK: 0,
          topP: 1,
          seed: 1,
          stopTokens: [],
        })
      ).sequences;
      expect(chosen).toEqual([...(own?.tokens ?? [])]);
      const { values, vocabSize } = await session.logits(batchOf(Int32Array.from([...prompt, ...chosen])));
      await session.close();
      for (const [i, { best }] of places.entries()) {
        const at = prompt.length - 1 + i;
        const ours = logSoftmax(values.slice(at * vocabSize, (at + 1) * vocabSize));
        expect(best).toHaveLength(10);
        for (const [id, logprob] of best) expect(Math.abs((ours[id] ?? Number.NaN) - logprob)).toBeLessThan(1e-2);
      }
    });
});

describe("what llama.cpp would run otherwise is refused by its field", () => {
  const refused: [string, string, Record<string, unknown>][] = [
    ["qwen3_moe", "norm_topk_prob", { norm_topk_prob: false }],
    [
      "qwen2",
      "sliding_window",
      { use_sliding_window: true, sliding_window: 8, layer_types: ["full_attention", "sliding_attention"] },
    ],
    [
      "qwen2",
      "rope_type",
      { rope_parameters: { ...yarn, rope_type: "llama3", low_freq_factor: 1, high_freq_factor: 4 } },
    ],
    ["llama", "beta_fast", { rope_parameters: { ...yarn, beta_fast: 16 } }],
    ["gemma2", "query_pre_attn_scalar", { query_pre_attn_scalar: 24 }],
    ["gemma2", "attn_logit_softcapping", { attn_logit_softcapping: null }],
    ["gemma2", "final_logit_softcapping", { final_logit_softcapping: null }],
    ["gemma2", "layer_types", { layer_types: ["full_attention", "sliding_attention"] }],
    ["gemma3", "layer_types", { layer_types: ["full_attention", "sliding_attention"] }],
    ["deepseek_v2", "topk_group", { topk_group: 1 }],
    ["deepseek_v3", "rms_norm_eps", { rms_norm_eps: 1e-5 }],
    ["deepseek_v3", "rope_type", { rope_parameters: { rope_type: "linear", factor: 2, ...theta } }],
  ];
  for (const [golden, field, changes] of refused)
    test(`${golden}: ${field}`, async () => {
      const hf = goldenVariant(golden, changes, join(dir, `refused-${golden}-${field}`));
      const problem = inspectModel({ kind: "hf", dir: hf }).ggufProblem;
      expect(problem?.args.field).toBe(field);
      const session = await open({ kind: "hf", dir: hf }, { kind: "full" });
      await expect(session.exportGguf(join(dir, "none.gguf"), { type: "F32", metadata: {} })).rejects.toMatchObject({
        ...problem,
      });
      await session.close();
    });
});
