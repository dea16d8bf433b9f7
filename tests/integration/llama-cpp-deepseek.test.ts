// DeepSeek-LLM and the R1 distillations, llamas and a qwen2, from whole Hugging Face folders and from the GGUF files made of them: real
// llama.cpp must cut text into the same tokens and answer as the engine does.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatRow } from "@anneal/contracts";
import { type BaseSource, inspectModel, openSession, readGgufMetadata, type Session } from "@anneal/engine";
import { encodePrompt, encodeRow, exportTextMetadata, loadTextModel, renderChat, type TextModel } from "@anneal/text";
import type { Llama } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manyScripts } from "../support/many-scripts.ts";
import { deepseekModels, writeDeepseekFolder } from "../support/model-files/deepseek-folders.ts";
import { continuation, startLlama } from "../support/real-llama.ts";
import { logSoftmax } from "../support/softmax.ts";
import { worstDifference } from "./engine/support.ts";

const root = mkdtempSync(join(tmpdir(), "anneal-deepseek-"));
let llama: Llama;
beforeAll(async () => {
  llama = await startLlama();
});
afterAll(async () => {
  await llama.dispose();
  rmSync(root, { recursive: true, force: true });
});

const answer = "<think>\nA card is lost.\n</think>\n\nI have blocked your card, 12345.";
const texts = [...manyScripts, "a<｜User｜>b<｜end▁of▁sentence｜>c<think>d</think>"];

const open = (base: BaseSource): Promise<Session> =>
  openSession({
    base,
    precision: "f32",
    threads: 1,
    seed: 3,
    method: { kind: "lora", rank: 4, alpha: 8, dropout: 0, rsLora: false, targets: inspectModel(base).linearNames },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 256,
    maxSequenceTokens: 256,
  });

const wholeBatch = (tokens: Int32Array) => ({ tokens, labels: tokens, offsets: Int32Array.of(0, tokens.length) });

const { messages: conversation } = ChatRow.parse({
  messages: [
    { role: "system", content: "You help customers." },
    { role: "user", content: "I lost my card, what now?" },
    { role: "assistant", content: answer },
  ],
});

/** Two steps on one conversation. */
async function trainTwoSteps(session: Session, text: TextModel): Promise<number[]> {
  const row = encodeRow(text, { messages: conversation }, { maxSequenceTokens: 256 });
  const losses: number[] = [];
  for (let step = 0; step < 2; step++) {
    const offsets = Int32Array.of(0, row.tokens.length);
    const batch = { tokens: row.tokens, labels: row.labels, offsets };
    losses.push((await session.step({ microBatches: [batch], learningRate: 2e-2, clipNorm: 1, step })).loss);
  }
  return losses;
}

const fromGguf = (path: string) => loadTextModel({ kind: "gguf", metadata: readGgufMetadata(path).metadata });

/** llama.cpp's tokens are ours: where control tokens count, and in what people write, where none does. */
async function expectSameTokens(path: string, models: readonly TextModel[], chat: string) {
  const real = await llama.loadModel({ modelPath: path });
  try {
    for (const string of [...texts, chat])
      for (const { tokenizer } of models) {
        const [read, { ids: written }] = [
          tokenizer.encode(string, { parseSpecial: true }),
          tokenizer.encodeGuarded(string, [{ start: 0, end: string.length }]),
        ];
        expect([...read], JSON.stringify(string)).toEqual([...real.tokenize(string, true)]);
        expect([...written], `${JSON.stringify(string)}, of a person`).toEqual([...real.tokenize(string, false)]);
      }
  } finally {
    await real.dispose();
  }
}

/** Greedy tokens are equal, the ten best log-probabilities of each place within 1e-2; the trained model's logits come back from the file. */
async function expectSameAnswer(path: string, prompt: Int32Array, trained: Float32Array) {
  const session = await open({ kind: "gguf", path });
  try {
    expect(worstDifference((await session.logits(wholeBatch(prompt))).values, trained)).toBeLessThan(1e-5);
    const places = await continuation(llama, path, [...prompt], 8, "F32");
    const chosen = places.map(({ token }) => token);
    const request = { maxNewTokens: chosen.length, temperature: 0, topK: 0, topP: 1, seed: 1, stopTokens: [] };
    const [own] = (await session.generate({ prompts: [prompt], ...request })).sequences;
    expect(chosen).toEqual([...(own?.tokens ?? [])]);
    const { values, vocabSize } = await session.logits(wholeBatch(Int32Array.from([...prompt, ...chosen])));
    for (const [i, { best }] of places.entries()) {
      const at = prompt.length - 1 + i;
      const ours = logSoftmax(values.slice(at * vocabSize, (at + 1) * vocabSize));
      expect(best).toHaveLength(10);
      for (const [id, logprob] of best) expect(Math.abs((ours[id] ?? Number.NaN) - logprob)).toBeLessThan(1e-2);
    }
  } finally {
    await session.close();
  }
}

describe.each(deepseekModels)("$name", (model) => {
  const dir = join(root, model.name);
  const path = join(root, `${model.name}.gguf`);
  beforeAll(() => {
    if (!model.missing) writeDeepseekFolder(model, dir);
  });

  test("from its folder: trains, and llama.cpp runs the GGUF with the same tokens and answers", async ({ skip }) => {
    if (model.missing) skip(model.missing);
    const text = loadTextModel({ kind: "hf", dir });
    expect(inspectModel({ kind: "hf", dir })).toMatchObject({
      family: model.family,
      tiedHead: false,
      ggufProblem: null,
    });
    expect(text.templateOrigin).toBe("model");
    expect(text.addsBos).toBe(false); // the template writes it
    expect(text.stopTokens.map((id) => text.tokenizer.tokenText(id))).toContain(model.eos);
    const prompt = encodePrompt(text, conversation.slice(0, 2));
    expect([...prompt].filter((id) => text.tokenizer.tokenText(id) === model.bos)).toHaveLength(1);
    expect(text.tokenizer.tokenText(prompt[0] ?? -1)).toBe(model.bos);

    const session = await open({ kind: "hf", dir });
    const [first, second] = await trainTwoSteps(session, text);
    expect(second).toBeLessThan(first ?? 0);
    const metadata = exportTextMetadata({ kind: "hf", dir }, text, { vocabularySize: session.info.vocabSize });
    await session.exportGguf(path, { type: "F32", metadata: { "general.name": model.name, ...metadata } });
    const trained = (await session.logits(wholeBatch(prompt))).values;
    await session.close();

    const header = readGgufMetadata(path).metadata;
    expect(header["tokenizer.ggml.pre"]).toBe(model.pre);
    expect(header["general.architecture"]).toBe(model.family);
    const back = fromGguf(path);
    const chat = renderChat(text, conversation, { addGenerationPrompt: false });
    expect(renderChat(back, conversation, { addGenerationPrompt: false })).toBe(chat);
    expect(encodePrompt(back, conversation.slice(0, 2))).toEqual(prompt);
    expect(back.stopTokens).toEqual(text.stopTokens);
    await expectSameTokens(path, [text, back], chat);
    await expectSameAnswer(path, prompt, trained);
  });

  test("from its GGUF: trains on, and llama.cpp runs what comes of it", async ({ skip }) => {
    if (model.missing) skip(model.missing);
    const text = fromGguf(path);
    const next = join(root, `${model.name}-next.gguf`);
    const session = await open({ kind: "gguf", path });
    const [first, second] = await trainTwoSteps(session, text);
    expect(second).toBeLessThan(first ?? 0);
    const metadata = exportTextMetadata({ kind: "gguf", metadata: readGgufMetadata(path).metadata }, text);
    await session.exportGguf(next, { type: "F32", metadata: { "general.name": model.name, ...metadata } });
    const prompt = encodePrompt(text, conversation.slice(0, 2));
    const trained = (await session.logits(wholeBatch(prompt))).values;
    await session.close();
    const chat = renderChat(text, conversation, { addGenerationPrompt: true });
    await expectSameTokens(next, [fromGguf(next)], chat);
    await expectSameAnswer(next, prompt, trained);
  });
});
