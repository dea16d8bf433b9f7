// The same random model in our engine and in llama.cpp (node-llama-cpp), from one GGUF file, with the same threads.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BaseStorage,
  type GgufExportType,
  type GgufValue,
  openSession,
  type Precision,
  type Session,
} from "@anneal/engine";
import { getLlama, type LlamaContextSequence, LlamaLogLevel } from "node-llama-cpp";
import { type LlamaShape, llama118m, llama137m, writeRandomLlama } from "./random-model.ts";

export interface PairFile {
  type: GgufExportType;
  precision: Precision;
  /** Quantised files stay in their blocks. */
  baseStorage: BaseStorage;
  model?: "118M" | "137M"; // the first where not named
}
export interface Pair {
  name: string;
  session: Session;
  sequence: LlamaContextSequence;
}

/** Token ids that are words of the model, no control tokens. */
export const promptOf = (tokens: number) => Int32Array.from({ length: tokens }, (_, i) => 300 + ((i * 7919) % 30_000));

// Enough of a tokenizer for llama.cpp to load the file; the benches speak in token ids.
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

const shapes: Record<NonNullable<PairFile["model"]>, LlamaShape> = { "118M": llama118m, "137M": llama137m };

const specOf = (precision: Precision, maxTokens: number) => ({
  precision,
  seed: 1,
  method: { kind: "lora" as const, rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["q_proj" as const] },
  optimizer: { kind: "adamw" as const, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  gradientCheckpointing: true,
  maxTokensPerMicroBatch: maxTokens,
  maxSequenceTokens: maxTokens,
});

async function exportFile(dir: string, path: string, { type, precision, model = "118M" }: PairFile): Promise<void> {
  const [hf, shape] = [join(dir, model), shapes[model]];
  if (!existsSync(hf)) writeRandomLlama(hf, shape);
  const session = await openSession({ ...specOf(precision, 16), base: { kind: "hf", dir: hf } });
  await session.exportGguf(path, { type, metadata: tokenizer(shape.vocabulary) });
  await session.close();
}

/** Both engines on each file, with one thread and with all; `maxTokens` is the longest sequence. */
export async function* pairs(files: readonly PairFile[], maxTokens: number): AsyncGenerator<Pair> {
  const most = cpus().length;
  const dir = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.disabled, maxThreads: most });
  try {
    for (const file of files) {
      const path = join(dir, `${file.type}.gguf`);
      await exportFile(dir, path, file);
      const model = await llama.loadModel({ modelPath: path });
      for (const threads of new Set([1, most])) {
        const context = await model.createContext({
          contextSize: 2 * maxTokens,
          batchSize: maxTokens,
          threads: { ideal: threads, min: threads },
        });
        const base = { kind: "gguf" as const, path };
        const { precision, baseStorage } = file;
        const session = await openSession({ ...specOf(precision, maxTokens), base, baseStorage, threads });
        const name = `${file.model ?? "118M"} llama, ${file.type}, ${threads} thread${threads > 1 ? "s" : ""}`;
        yield { name, session, sequence: context.getSequence() };
        await session.close();
        await context.dispose();
      }
      await model.dispose();
    }
  } finally {
    await llama.dispose();
    rmSync(dir, { recursive: true, force: true });
  }
}
