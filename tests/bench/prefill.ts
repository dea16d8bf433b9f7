// A prompt of 512 tokens: our engine beside llama.cpp on the same GGUF file and threads, taking turns.
import type { Session } from "@anneal/engine";
import type { LlamaContextSequence, Token } from "node-llama-cpp";
import { type PairFile, pairs, promptOf } from "./support/llama-cpp-pair.ts";
import { median } from "./support/median.ts";
import { takeTurns } from "./support/turns.ts";
import type { BenchRow } from "./types.ts";

const promptTokens = 512;
const rounds = 5;
const prompt = promptOf(promptTokens);
const files: PairFile[] = [
  { type: "F32", precision: "f32", baseStorage: "dense" },
  { type: "BF16", precision: "bf16", baseStorage: "dense" },
];

async function ours(session: Session): Promise<number> {
  const { timing } = await session.generate({
    prompts: [prompt],
    maxNewTokens: 1,
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 1,
    stopTokens: [],
  });
  return promptTokens / timing.prefillSeconds;
}

async function theirs(sequence: LlamaContextSequence): Promise<number> {
  await sequence.clearHistory();
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens([...prompt] as Token[]);
  return (promptTokens / (performance.now() - start)) * 1000;
}

export async function* run(): AsyncGenerator<BenchRow> {
  for await (const { name, session, sequence } of pairs(files, promptTokens + 16)) {
    const turns = await takeTurns(
      rounds,
      () => ours(session),
      () => theirs(sequence),
    );
    const [value, peerValue] = [median(turns[0]), median(turns[1])];
    yield {
      name: `prefill of ${promptTokens}, ${name}`,
      value,
      unit: "tokens/s",
      peer: "llama.cpp",
      peerValue,
      ratio: value / peerValue,
    };
  }
}
