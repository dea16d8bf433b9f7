// Generation, one sequence: our engine beside llama.cpp on the same GGUF file and threads, taking turns.
import type { Session } from "@anneal/engine";
import type { LlamaContextSequence, Token } from "node-llama-cpp";
import { type PairFile, pairs, promptOf } from "./support/llama-cpp-pair.ts";
import { median } from "./support/median.ts";
import { takeTurns } from "./support/turns.ts";
import type { BenchRow } from "./types.ts";

const newTokens = 48;
const rounds = 4;
const prompt = promptOf(64);
const files: PairFile[] = [
  { type: "F32", precision: "f32", baseStorage: "dense" },
  { type: "BF16", precision: "bf16", baseStorage: "dense" },
  { type: "Q8_0", precision: "bf16", baseStorage: "blocks" },
  { type: "Q4_0", precision: "bf16", baseStorage: "blocks" },
  { type: "Q4_K_M", precision: "bf16", baseStorage: "blocks", model: "137M" },
];

async function ours(session: Session): Promise<number> {
  const { timing } = await session.generate({
    prompts: [prompt],
    maxNewTokens: newTokens + 1,
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 1,
    stopTokens: [],
  });
  return 1 / median([...timing.perTokenSeconds].slice(1));
}

async function theirs(sequence: LlamaContextSequence): Promise<number> {
  await sequence.clearHistory();
  const seconds: number[] = [];
  let last: number | null = null;
  const stream = sequence.evaluate([...prompt] as Token[], { temperature: 0, yieldEogToken: true });
  for await (const _ of stream) {
    const now = performance.now();
    if (last !== null) seconds.push((now - last) / 1000);
    last = now;
    if (seconds.length >= newTokens) break;
  }
  return 1 / median(seconds);
}

export async function* run(): AsyncGenerator<BenchRow> {
  for await (const { name, session, sequence } of pairs(files, 128)) {
    const turns = await takeTurns(
      rounds,
      () => ours(session),
      () => theirs(sequence),
    );
    const [value, peerValue] = [median(turns[0]), median(turns[1])];
    yield { name: `decode, ${name}`, value, unit: "tokens/s", peer: "llama.cpp", peerValue, ratio: value / peerValue };
  }
}
