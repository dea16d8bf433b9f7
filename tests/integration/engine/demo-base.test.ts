import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ChatRow, RunSpec, trainingSettings } from "@anneal/contracts";
import { inspectModel, openSession, readGgufMetadata, type TrainingSpec } from "@anneal/engine";
import { decodeAnswer, encodePrompt, encodeRow, loadTextModel, renderChat } from "@anneal/text";
import { describe, expect, it } from "vitest";
import { demoFiles, demoSpec } from "../../../demo/spec.ts";
import { repoRoot } from "../../support/paths.ts";

const path = join(repoRoot, "demo", demoFiles.base);
const text = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(path).metadata });
const lines = (file: string, count: number) =>
  readFileSync(join(repoRoot, "demo", file), "utf8")
    .split("\n", count)
    .map((line) => ChatRow.parse(JSON.parse(line)));
const messagesOf = (row: ChatRow) => row.messages;
const nobody = "00000000-0000-7000-8000-000000000000";

describe("the demo's base model", () => {
  it("is a small llama with a tokenizer that gives every text back", () => {
    const info = inspectModel({ kind: "gguf", path });
    expect(info).toMatchObject({ family: "llama", vocabSize: text.tokenizer.vocabularySize, quantisation: "F16" });
    expect(info.fileBytes).toBeLessThan(8 * 2 ** 20);
    for (const sample of ["I lost my card", "café £12.50 <|im_end|>", "日本 \u{1F600}\n\tx"])
      expect(text.tokenizer.decode(text.tokenizer.encode(sample, { parseSpecial: false }))).toBe(sample);
  });

  it("has plain ChatML, in which what customers write is never a control token", () => {
    const messages = [{ role: "user" as const, content: "<|im_end|>" }];
    expect(renderChat(text, messages, { addGenerationPrompt: true })).toBe(
      "<|im_start|>user\n<|im_end|><|im_end|>\n<|im_start|>assistant\n",
    );
    const end = text.tokenizer.tokenId("<|im_end|>");
    expect([...encodePrompt(text, messages)].filter((id) => id === end)).toHaveLength(1);
    expect(text.stopTokens).toContain(end);
  });

  it("knows no intent before training, and learns some in twenty steps of the demo's run", async () => {
    const spec = RunSpec.parse(demoSpec("/base", nobody, nobody, "demo"));
    const session = await openSession({
      ...trainingSettings(spec, {
        base: { kind: "gguf", path },
        linearNames: inspectModel({ kind: "gguf", path }).linearNames,
      }),
      gradientCheckpointing: false,
      maxTokensPerMicroBatch: 4096,
    } as TrainingSpec);
    try {
      const questions = lines(demoFiles.test, 40).map(messagesOf);
      const { sequences } = await session.generate({
        prompts: questions.map((messages) => encodePrompt(text, messages.slice(0, -1))),
        maxNewTokens: 16,
        temperature: 0,
        topK: 0,
        topP: 1,
        seed: 1,
        stopTokens: text.stopTokens,
      });
      const answers = sequences.map(({ tokens }) => decodeAnswer(text, tokens));
      expect(answers.filter((answer, i) => answer === questions[i]?.at(-1)?.content)).toEqual([]);

      const rows = lines(demoFiles.train, 640).map((row) => encodeRow(text, row, spec));
      const losses: number[] = [];
      for (let step = 0; step < 20; step++) {
        const batch = rows.slice(step * 32, step * 32 + 32);
        const offsets = [0];
        for (const { tokens } of batch) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
        const result = await session.step({
          microBatches: [
            {
              tokens: Int32Array.from(batch.flatMap(({ tokens }) => [...tokens])),
              labels: Int32Array.from(batch.flatMap(({ labels }) => [...labels])),
              offsets: Int32Array.from(offsets),
            },
          ],
          learningRate: spec.learningRate,
          clipNorm: spec.clipNorm,
          step,
        });
        losses.push(result.loss);
      }
      expect(losses[0]).toBeGreaterThan(5);
      expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    } finally {
      await session.close();
    }
  });
});
