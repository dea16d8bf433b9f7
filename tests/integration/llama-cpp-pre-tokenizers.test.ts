// The pre-tokenizers of DeepSeek's families, by name, against real llama.cpp: a vocabulary in which what stands together in text has merged,
// so that every place where a pre-tokenizer cuts shows in the tokens.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSession, readGgufMetadata } from "@anneal/engine";
import { tokenizerFromGguf } from "@anneal/text";
import type { Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeRandomLlama } from "../bench/support/random-model.ts";
import { byteAlphabet } from "../support/byte-alphabet.ts";
import { manyScripts } from "../support/many-scripts.ts";
import { mergesOf } from "../support/merges.ts";
import { tinyShape } from "../support/model-files/tiny-model.ts";
import { startLlama } from "../support/real-llama.ts";

const texts = [...manyScripts, "a\r\nb \r\n  c   "];

const dir = mkdtempSync(join(tmpdir(), "anneal-pre-"));
const merges = mergesOf(texts, 150);
const tokens = [...new Set([...byteAlphabet, ...merges.map((pair) => pair.join(""))]), "<|end|>"];
let llama: Llama;
beforeAll(async () => {
  llama = await startLlama();
  writeRandomLlama(join(dir, "base"), { ...tinyShape, vocabulary: tokens.length });
});
afterAll(async () => {
  await llama.dispose();
  rmSync(dir, { recursive: true, force: true });
});

// DeepSeek-LLM, DeepSeek-Coder and R1-distill-llama are llamas, R1-distill-qwen a qwen2; V2 and V3 are families of their own.
describe.each(["deepseek-llm", "deepseek-coder", "deepseek-v3", "deepseek-r1-qwen", "llama-bpe"])("%s", (pre) => {
  test("cuts text as llama.cpp does", async () => {
    const path = join(dir, `${pre}.gguf`);
    const session = await openSession({
      base: { kind: "hf", dir: join(dir, "base") },
      precision: "f32",
      seed: 1,
      method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["q_proj"] },
      optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
      gradientCheckpointing: false,
      maxTokensPerMicroBatch: 16,
      maxSequenceTokens: 16,
    });
    await session.exportGguf(path, {
      type: "F32",
      metadata: {
        "general.name": pre,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": { type: "i32[]", value: tokens.map((_, i) => (i === tokens.length - 1 ? 3 : 1)) },
        "tokenizer.ggml.merges": merges.map((pair) => pair.join(" ")),
        "tokenizer.ggml.eos_token_id": { type: "u32", value: tokens.length - 1 },
        "tokenizer.ggml.add_bos_token": false,
      },
    });
    await session.close();
    const ours = tokenizerFromGguf(readGgufMetadata(path).metadata);
    const model = await llama.loadModel({ modelPath: path });
    let merged = 0;
    try {
      for (const text of texts) {
        const ids = [...ours.encode(text, { parseSpecial: false })];
        expect(ids, JSON.stringify(text)).toEqual([...model.tokenize(text, false)]);
        expect(ours.decode(Int32Array.from(ids))).toBe(text);
        merged = Math.max(merged, Buffer.byteLength(text) - ids.length);
      }
    } finally {
      await model.dispose();
    }
    expect(merged).toBeGreaterThan(5); // the vocabulary does merge
  });
});
