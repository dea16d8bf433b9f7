// Generation, one sequence: our engine beside llama.cpp on the same GGUF file and threads, taking turns.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufExportType, type GgufValue, openSession, type Precision, type Session } from "@anneal/engine";
import { getLlama, type LlamaContextSequence, LlamaLogLevel, type Token } from "node-llama-cpp";
import { llama118m, writeRandomLlama } from "./support/random-model.ts";
import type { BenchRow } from "./types.ts";

const promptTokens = 64;
const newTokens = 48;
const rounds = 4;

const prompt = Int32Array.from({ length: promptTokens }, (_, i) => 300 + ((i * 7919) % 30_000));
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

// Enough of a tokenizer for llama.cpp to load the file; the bench speaks in token ids.
function tokenizer(size: number): Record<string, GgufValue> {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let next = 256;
  const bytes = Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
  const tokens = [...bytes, ...Array.from({ length: size - 256 }, (_, i) => `<unused${i}>`)];
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": { type: "i32[]", value: tokens.map((_, i) => (i < 256 ? 1 : 5)) },
    "tokenizer.ggml.merges": ["a b"],
    "tokenizer.ggml.bos_token_id": { type: "u32", value: 0 },
    "tokenizer.ggml.eos_token_id": { type: "u32", value: 1 },
  };
}

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

async function* measure(path: string, type: GgufExportType, precision: Precision): AsyncGenerator<BenchRow> {
  const most = cpus().length;
  const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.disabled, maxThreads: most });
  const model = await llama.loadModel({ modelPath: path });
  try {
    for (const threads of new Set([1, most])) {
      const context = await model.createContext({ contextSize: 512, threads: { ideal: threads, min: threads } });
      const sequence = context.getSequence();
      const session = await openSession({
        base: { kind: "gguf", path },
        precision,
        threads,
        seed: 1,
        method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["q_proj"] },
        optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
        gradientCheckpointing: true,
        maxTokensPerMicroBatch: 128,
        maxSequenceTokens: 128,
      });
      const mine: number[] = [];
      const peer: number[] = [];
      for (let round = 0; round <= rounds; round++) {
        const [a, b] = [await ours(session), await theirs(sequence)];
        if (round === 0) continue; // warms pages and caches
        mine.push(a);
        peer.push(b);
      }
      await session.close();
      await context.dispose();
      yield {
        name: `decode, 118M llama, ${type}, ${threads} thread${threads > 1 ? "s" : ""}`,
        value: median(mine),
        unit: "tokens/s",
        peer: "llama.cpp",
        peerValue: median(peer),
        ratio: median(mine) / median(peer),
      };
    }
  } finally {
    await model.dispose();
    await llama.dispose();
  }
}

export async function* run(): AsyncGenerator<BenchRow> {
  const dir = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  try {
    writeRandomLlama(join(dir, "hf"), llama118m);
    for (const [type, precision] of [
      ["F32", "f32"],
      ["BF16", "bf16"],
    ] as const) {
      const path = join(dir, `${type}.gguf`);
      const session = await openSession({
        base: { kind: "hf", dir: join(dir, "hf") },
        precision,
        seed: 1,
        method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["q_proj"] },
        optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
        gradientCheckpointing: true,
        maxTokensPerMicroBatch: 16,
        maxSequenceTokens: 16,
      });
      await session.exportGguf(path, { type, metadata: tokenizer(llama118m.vocabulary) });
      await session.close();
      yield* measure(path, type, precision);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
