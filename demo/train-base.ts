// npx tsx demo/train-base.ts [--steps N] [--out FILE]   Trains the demo's small base model from scratch and writes it as GGUF.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { learningRateAt, type MicroBatch, openSession } from "@anneal/engine";
import type { Tokenizer } from "@anneal/text";
import { writeInitialModel } from "./base-model/initial-weights.ts";
import { encodeDocument, openTokenizer, tokenizerMetadata, trainTokenizer } from "./base-model/tokenizer.ts";
import { type CorpusDocument, documents } from "./corpus/documents.ts";
import { Random } from "./language/random.ts";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    steps: { type: "string", default: "600" },
    out: { type: "string", default: join(here, "base/anneal-demo-base.F16.gguf") },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log("npx tsx demo/train-base.ts [--steps N] [--out FILE]");
  process.exit(0);
}

const shape = {
  layers: 4,
  hidden: 256,
  feedForward: 768,
  heads: 4,
  keyValueHeads: 2,
  vocabulary: 2048,
  contextTokens: 2048,
};
const microBatchTokens = 2048;
const microBatchesPerStep = 2;
const seed = 20_261;

// Whole documents end to end, as many as fit; each attends only to itself.
function microBatch(tokenizer: Tokenizer, source: Generator<CorpusDocument, never>, carried: number[][]): MicroBatch {
  const tokens: number[] = [];
  const offsets = [0];
  for (;;) {
    const ids = carried.pop() ?? encodeDocument(tokenizer, source.next().value).slice(0, microBatchTokens);
    if (tokens.length + ids.length > microBatchTokens) {
      carried.push(ids);
      break;
    }
    tokens.push(...ids);
    offsets.push(tokens.length);
  }
  return { tokens: Int32Array.from(tokens), labels: Int32Array.from(tokens), offsets: Int32Array.from(offsets) };
}

const totalSteps = Number(options.steps);
if (!Number.isSafeInteger(totalSteps) || totalSteps < 1) throw new RangeError("--steps needs a whole number from 1");
const out = resolve(options.out);
const work = mkdtempSync(join(tmpdir(), "anneal-base-"));
try {
  const bpe = trainTokenizer(shape.vocabulary, 12_000, seed);
  const tokenizer = openTokenizer(bpe);
  console.log(`tokenizer: ${bpe.tokens.length} tokens, ${bpe.merges.length} merges`);
  writeInitialModel(work, shape, seed);
  const session = await openSession({
    base: { kind: "hf", dir: work },
    precision: "f32",
    seed,
    method: { kind: "full" },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: microBatchTokens,
    maxSequenceTokens: microBatchTokens,
  });
  console.log(`model: ${session.info.parameters} parameters`);
  const source = documents(new Random(seed + 1));
  const carried: number[][] = [];
  const schedule = { kind: "cosine" as const, learningRate: 2e-3, warmupSteps: 40, totalSteps };
  let tokens = 0;
  const started = performance.now();
  for (let step = 0; step < totalSteps; step++) {
    const microBatches = Array.from({ length: microBatchesPerStep }, () => microBatch(tokenizer, source, carried));
    const result = await session.step({
      microBatches,
      learningRate: learningRateAt(schedule, step),
      clipNorm: 1,
      step,
    });
    tokens += result.tokens;
    if (step % 25 === 0 || step === totalSteps - 1) {
      const seconds = (performance.now() - started) / 1000;
      console.log(
        `step ${step + 1}/${totalSteps}  loss ${result.loss.toFixed(3)}  ${(tokens / seconds).toFixed(0)} tokens/s  ${seconds.toFixed(0)} s`,
      );
    }
  }
  mkdirSync(dirname(out), { recursive: true });
  const saved = await session.exportGguf(out, {
    type: "F16",
    metadata: {
      ...tokenizerMetadata(bpe),
      "general.name": "Anneal demo base",
      "general.license": "apache-2.0",
    },
  });
  await session.close();
  console.log(`${out}: ${saved.bytes} bytes, sha256 ${saved.sha256}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
