// Our quantisers beside llama.cpp's: real llama-quantize turns the same float32 file into each type, and the error of every tensor is
// compared with that of our own blocks of the same type. ANNEAL_LLAMA_QUANTIZE names the program.
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type BaseSource, dequantiseTensor, openSession, quantiseTensor, readGgufMetadata } from "@anneal/engine";
import { writeByteTokenizer } from "../support/model-files/tiny-model.ts";
import { readGguf, type Tensor } from "../support/ollama-standin/gguf/gguf-read.ts";
import { repoRoot } from "../support/paths.ts";
import { writeRandomLlama } from "./support/random-model.ts";
import type { BenchRow } from "./types.ts";

const fileTypes = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K_M", "Q5_K_M", "Q6_K"];
const shape = { layers: 2, hidden: 512, feedForward: 1536, heads: 8, keyValueHeads: 2, vocabulary: 2048 };

interface Squares {
  ours: number;
  theirs: number;
  values: number;
}

function readTensor(path: string, dataOffset: number, { offset, bytes }: Tensor): Uint8Array {
  const file = openSync(path, "r");
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) at += readSync(file, out, at, bytes - at, dataOffset + offset + at);
  closeSync(file);
  return out;
}

function squaredError(values: Float32Array, type: string, blocks: Uint8Array, rowLength: number): number {
  const back = dequantiseTensor(type, blocks, rowLength);
  return values.reduce((sum, value, i) => sum + (value - (back[i] ?? 0)) ** 2, 0);
}

/** Squares of errors by the type that llama.cpp gave each tensor. */
function compare(original: string, quantised: string): Map<string, Squares> {
  const [from, to] = [readGguf(original), readGguf(quantised)];
  const types = new Map(readGgufMetadata(quantised).tensors.map(({ name, type }) => [name, type]));
  const sums = new Map<string, Squares>();
  for (const tensor of to.tensors) {
    const type = types.get(tensor.name) ?? "F32";
    const source = from.tensors.find(({ name }) => name === tensor.name);
    if (!type.startsWith("Q") || !source) continue;
    const values = new Float32Array(readTensor(original, from.dataOffset, source).buffer);
    const rowLength = tensor.shape[0] ?? values.length;
    const sum = sums.get(type) ?? { ours: 0, theirs: 0, values: 0 };
    sum.theirs += squaredError(values, type, readTensor(quantised, to.dataOffset, tensor), rowLength);
    sum.ours += squaredError(values, type, quantiseTensor(type, values, rowLength), rowLength);
    sum.values += values.reduce((total, value) => total + value * value, 0);
    sums.set(type, sum);
  }
  return sums;
}

async function exportFloats(base: BaseSource, path: string): Promise<void> {
  const session = await openSession({
    base,
    precision: "f32",
    seed: 1,
    method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["q_proj"] },
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 16,
    maxSequenceTokens: 16,
  });
  const { exportTextMetadata, loadTextModel } = await import("@anneal/text");
  const source =
    base.kind === "gguf" ? { kind: "gguf" as const, metadata: readGgufMetadata(base.path).metadata } : base;
  const metadata = exportTextMetadata(source, loadTextModel(source), { vocabularySize: session.info.vocabSize });
  await session.exportGguf(path, { type: "F32", metadata });
  await session.close();
}

export async function* run(): AsyncGenerator<BenchRow> {
  const program = process.env.ANNEAL_LLAMA_QUANTIZE;
  if (!program) {
    console.error("ANNEAL_LLAMA_QUANTIZE names no llama-quantize: quantisers are not compared.");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  try {
    const dir = join(folder, "random");
    writeRandomLlama(dir, shape);
    writeByteTokenizer(dir, shape.vocabulary);
    const models: Record<string, BaseSource> = {
      "demo base": { kind: "gguf", path: join(repoRoot, "demo/base/anneal-demo-base.F16.gguf") },
      "random weights": { kind: "hf", dir },
    };
    for (const [model, base] of Object.entries(models)) {
      const original = join(folder, "original.gguf");
      await exportFloats(base, original);
      for (const fileType of fileTypes) {
        const quantised = join(folder, "quantised.gguf");
        execFileSync(program, [original, quantised, fileType, String(cpus().length)], { stdio: "ignore" });
        for (const [type, { ours, theirs, values }] of compare(original, quantised)) {
          const [value, peerValue] = [Math.sqrt(ours / values), Math.sqrt(theirs / values)];
          yield {
            name: `${fileType} of the ${model}, its ${type} tensors`,
            value,
            unit: "rel. RMSE",
            peer: "llama.cpp",
            peerValue,
            ratio: peerValue / value,
          };
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
