// One cell of the plan check, in a process of its own: what the trainer child loads, the worst micro-batch there can be, and the
// most memory that was ever resident. Prints one JSON object.
import { readFileSync } from "node:fs";
import { openSession, readGgufMetadata, type TrainingSpec } from "@anneal/engine";
import { loadTextModel } from "@anneal/text";

const spec = JSON.parse(process.argv[2] ?? "") as TrainingSpec;
const source =
  spec.base.kind === "gguf"
    ? { kind: "gguf" as const, metadata: readGgufMetadata(spec.base.path).metadata }
    : { kind: "hf" as const, dir: spec.base.dir };
const text = loadTextModel(source);

/** Every token trained, sequences as long as they may be. */
function worstBatch(tokenCount: number, longest: number, vocabulary: number) {
  const tokens = Int32Array.from({ length: tokenCount }, (_, i) => (i * 7919 + 11) % vocabulary);
  const offsets = Array.from({ length: Math.ceil(tokenCount / longest) }, (_, i) => i * longest);
  return { tokens, labels: tokens.slice(), offsets: Int32Array.of(...offsets, tokenCount) };
}

const session = await openSession(spec);
const batch = worstBatch(spec.maxTokensPerMicroBatch, spec.maxSequenceTokens, session.info.vocabSize);
for (let step = 0; step < 2; step++)
  await session.step({ microBatches: [batch, batch], learningRate: 1e-4, clipNorm: 1, step });
await session.evaluate([batch]);
text.tokenizer.encode("the tokenizer is alive", { parseSpecial: false });
const peakKibibytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
console.log(
  JSON.stringify({ planned: session.plan.totalBytes, parts: session.plan.parts, peak: peakKibibytes * 1024 }),
);
await session.close();
