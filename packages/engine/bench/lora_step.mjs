// Tokens per second of one optimizer step on a given model and given row lengths, with the engine's own phases.
// Usage: node packages/engine/bench/lora_step.mjs --model FILE.gguf|DIR [--precision bf16|f32] [--rank 16] [--full] [--threads N]
//        [--rows 32] [--length 44 | --lengths 30-58] [--supervised 7] [--steps 5] [--checkpointing] [--micro-batches 1]
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const { values: args } = parseArgs({
  options: {
    model: { type: "string" },
    precision: { type: "string", default: "bf16" },
    rank: { type: "string", default: "16" },
    full: { type: "boolean", default: false },
    threads: { type: "string" },
    rows: { type: "string", default: "32" },
    length: { type: "string" },
    lengths: { type: "string", default: "30-58" },
    supervised: { type: "string", default: "7" },
    steps: { type: "string", default: "5" },
    checkpointing: { type: "boolean", default: false },
    "micro-batches": { type: "string", default: "1" },
  },
});
if (!args.model) {
  console.error("--model names a GGUF file or a Hugging Face folder");
  process.exit(2);
}

const engine = createRequire(import.meta.url)("../build/anneal_engine.node");
const base = statSync(args.model).isDirectory() ? { kind: "hf", dir: args.model } : { kind: "gguf", path: args.model };
const info = engine.inspectModel(base);
const [shortest, longest] = (args.length ? `${args.length}-${args.length}` : args.lengths).split("-").map(Number);
const supervised = Number(args.supervised);

function makeBatch(seed) {
  const tokens = [];
  const labels = [];
  const offsets = [0];
  for (let row = 0; row < Number(args.rows); row++) {
    const length = shortest + ((row * 11 + seed) % (longest - shortest + 1));
    for (let i = 0; i < length; i++) {
      const token = (tokens.length * 7919 + seed * 104729 + 11) % info.vocabSize;
      tokens.push(token);
      labels.push(i >= length - supervised ? token : -100);
    }
    offsets.push(tokens.length);
  }
  return { tokens: Int32Array.from(tokens), labels: Int32Array.from(labels), offsets: Int32Array.from(offsets) };
}

const microBatches = Array.from({ length: Number(args["micro-batches"]) }, (_, i) => makeBatch(i));
const lora = { kind: "lora", rank: Number(args.rank), alpha: 2 * Number(args.rank), dropout: 0, rsLora: false };
const session = await engine.openSession({
  base,
  precision: args.precision,
  threads: args.threads ? Number(args.threads) : undefined,
  seed: 1,
  method: args.full ? { kind: "full" } : { ...lora, targets: info.linearNames },
  optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  gradientCheckpointing: args.checkpointing,
  maxTokensPerMicroBatch: Math.max(...microBatches.map((batch) => batch.tokens.length)),
  maxSequenceTokens: longest,
});
let best = Number.POSITIVE_INFINITY;
for (let step = 0; step < Number(args.steps); step++) {
  const result = await session.step({ microBatches, learningRate: 1e-4, clipNorm: 1, step });
  const { forward, backward, optimizer } = result.phases;
  best = Math.min(best, result.seconds);
  console.log(
    `step ${step}: ${result.tokens} tokens, ${result.supervisedTokens} supervised, loss ${result.loss.toFixed(4)}, ` +
      `${result.seconds.toFixed(3)} s (forward ${forward.toFixed(3)}, backward ${backward.toFixed(3)}, optimizer ${optimizer.toFixed(3)}), ` +
      `${(result.tokens / result.seconds).toFixed(0)} tokens/s`,
  );
}
const tokens = microBatches.reduce((sum, batch) => sum + batch.tokens.length, 0);
const memory = session.memory();
console.log(JSON.stringify({ tokensPerSecond: tokens / best, secondsPerStep: best, ...memory }));
await session.close();
