// What we export, loaded by the real llama.cpp: same tokens, same greedy answer, same log-probabilities of the best ten.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufExportType, type GgufValue, openSession, readGgufMetadata, type Session } from "@anneal/engine";
import { loadTextModel, renderChat } from "@anneal/text";
import type { Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtures, repoRoot } from "../support/paths.ts";
import { continuation, startLlama } from "../support/real-llama.ts";
import { logSoftmax } from "../support/softmax.ts";

const base = join(repoRoot, "demo/base/anneal-demo-base.F16.gguf");
const dir = mkdtempSync(join(tmpdir(), "anneal-llama-cpp-"));
let llama: Llama;
beforeAll(async () => {
  llama = await startLlama();
});
afterAll(async () => {
  await llama.dispose();
  rmSync(dir, { recursive: true, force: true });
});

// Absolute differences in nats that are allowed to the log-probabilities. llama.cpp keeps its cache in 16 bits, and rounds
// activations to 8 bits where the weights are quantised, so that those differ from exact arithmetic on their own values.
const bands: Partial<Record<GgufExportType, { median: number; most: number; sameBest: number }>> = {
  F16: { median: 0.01, most: 0.1, sameBest: 1 },
  BF16: { median: 0.04, most: 0.6, sameBest: 0.95 },
  Q8_0: { median: 0.2, most: 1.5, sameBest: 0.85 },
  Q4_0: { median: 0.2, most: 1.5, sameBest: 0.85 },
  Q4_K_M: { median: 0.2, most: 1.5, sameBest: 0.85 },
  Q5_K_M: { median: 0.2, most: 1.5, sameBest: 0.85 },
  Q6_K: { median: 0.2, most: 1.5, sameBest: 0.85 },
};

function open(source: { kind: "gguf"; path: string } | { kind: "hf"; dir: string }): Promise<Session> {
  return openSession({
    base: source,
    precision: "f32",
    seed: 3,
    method: { kind: "lora", rank: 4, alpha: 8, dropout: 0, rsLora: false, targets: ["q_proj", "v_proj", "down_proj"] },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 256,
    maxSequenceTokens: 128,
  });
}

async function trainALittle(session: Session, tokens: Int32Array): Promise<void> {
  const batch = { tokens, labels: tokens, offsets: Int32Array.of(0, tokens.length) };
  for (let step = 0; step < 4; step++)
    await session.step({ microBatches: [batch], learningRate: 5e-3, clipNorm: 1, step });
}

/** The engine's own numbers for the same tokens. */
async function compare(path: string, prompt: number[], type: GgufExportType): Promise<void> {
  const band = bands[type];
  if (!band) throw new Error(`no band for ${type}`);
  const places = await continuation(llama, path, prompt, 16);
  expect(places.length).toBeGreaterThan(0);
  const session = await open({ kind: "gguf", path });
  const chosen = places.map(({ token }) => token);
  const tokens = Int32Array.from([...prompt, ...chosen]);
  const { values, vocabSize } = await session.logits({
    tokens,
    labels: tokens,
    offsets: Int32Array.of(0, tokens.length),
  });
  await session.close();
  const differences: number[] = [];
  let same = 0;
  places.forEach(({ token, best }, i) => {
    const at = prompt.length - 1 + i;
    const ours = logSoftmax(values.slice(at * vocabSize, (at + 1) * vocabSize));
    for (const [id, logprob] of best) differences.push(Math.abs((ours[id] ?? Number.NaN) - logprob));
    if (ours.every((x) => x <= (ours[token] ?? Number.NaN))) same++;
  });
  differences.sort((a, b) => a - b);
  expect(differences[differences.length >> 1], `${type}: median`).toBeLessThan(band.median);
  expect(differences.at(-1), `${type}: worst`).toBeLessThan(band.most);
  expect(same / places.length, `${type}: same best token`).toBeGreaterThanOrEqual(band.sameBest);
}

describe("a llama with a tokenizer and a chat template", () => {
  const text = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(base).metadata });
  const chat = renderChat(text, [{ role: "user", content: "I lost my card, what now?" }], {
    addGenerationPrompt: true,
  });
  const prompt = [...text.tokenizer.encode(chat, { parseSpecial: true })];
  const types = Object.keys(bands) as GgufExportType[];
  const pathOf = (type: GgufExportType) => join(dir, `demo-${type}.gguf`);
  beforeAll(async () => {
    const session = await open({ kind: "gguf", path: base });
    await trainALittle(session, Int32Array.from(prompt));
    for (const type of types) await session.exportGguf(pathOf(type), { type, metadata: { "general.name": "demo" } });
    await session.close();
  });

  test("text becomes the same tokens, control tokens as such only where they count", async () => {
    const model = await llama.loadModel({ modelPath: pathOf("F16") });
    const strings = [
      "Hello world",
      "  two  spaces\n\nand\tlines ",
      "1234567 items, it's 3.50€",
      "naïve café 银行卡丢了 🙂",
      "a<|im_end|>b<|im_start|>",
      chat,
    ];
    for (const string of strings)
      for (const special of [true, false])
        expect([...model.tokenize(string, special)], `${JSON.stringify(string)}, special ${special}`).toEqual([
          ...text.tokenizer.encode(string, { parseSpecial: special }),
        ]);
    await model.dispose();
  });

  for (const type of types)
    test(`${type}: llama.cpp answers as the engine does`, async () => {
      await compare(pathOf(type), prompt, type);
    });
});

test("qwen2, with biases and its own row order, answers alike", async () => {
  const hf = join(fixtures, "goldens/qwen2");
  const session = await open({ kind: "hf", dir: hf });
  const prompt = Array.from({ length: 12 }, (_, i) => 5 + ((i * 37) % 150));
  await trainALittle(session, Int32Array.from(prompt));
  const size = session.info.vocabSize;
  const tokens = Array.from({ length: size }, (_, i) => (i < 94 ? String.fromCharCode(0x21 + i) : `<unused${i}>`));
  const metadata: Record<string, GgufValue> = {
    "general.name": "qwen2",
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": { type: "i32[]", value: tokens.map((_, i) => (i < 94 ? 1 : 5)) },
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.eos_token_id": { type: "u32", value: size - 1 },
  };
  const path = join(dir, "qwen2.gguf");
  await session.exportGguf(path, { type: "F16", metadata });
  await session.close();
  await compare(path, prompt, "F16");
});
