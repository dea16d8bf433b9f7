// The matrix of the plan check: models x method x precision and storage x length x checkpointing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BaseSource, type BaseStorage, LINEAR_NAMES, openSession, type TrainingSpec } from "@anneal/engine";
import { repoRoot } from "../support/paths.ts";
import { writeTinyModel } from "../support/tiny-model.ts";

export interface Cell {
  name: string;
  spec: TrainingSpec;
}

const real = join(repoRoot, "../shared/models/smollm2-135m-instruct");
const shapes = {
  small: { layers: 4, hidden: 256, feedForward: 768, heads: 4, keyValueHeads: 2, vocabulary: 4096 },
  middle: { layers: 8, hidden: 512, feedForward: 1536, heads: 8, keyValueHeads: 2, vocabulary: 16_384 },
};

const lora = (rank: number) => ({
  kind: "lora" as const,
  rank,
  alpha: 2 * rank,
  dropout: 0,
  rsLora: false,
  targets: [...LINEAR_NAMES],
});

function specOf(base: BaseSource, changes: Partial<TrainingSpec>): TrainingSpec {
  return {
    base,
    precision: "bf16",
    seed: 1,
    method: lora(16),
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 1024,
    maxSequenceTokens: 256,
    ...changes,
  };
}

const lengths: [string, Partial<TrainingSpec>][] = [
  ["256 x 2", { maxTokensPerMicroBatch: 512, maxSequenceTokens: 256 }],
  ["1024 x 2", { maxTokensPerMicroBatch: 2048, maxSequenceTokens: 1024 }],
];

/** A Q8_0 GGUF of a model, for blocks that stay as they are. */
async function asGguf(dir: string, path: string): Promise<BaseSource> {
  if (!existsSync(path)) {
    const session = await openSession(
      specOf({ kind: "hf", dir }, { maxTokensPerMicroBatch: 16, maxSequenceTokens: 16 }),
    );
    await session.exportGguf(path, { type: "Q8_0", metadata: {} });
    await session.close();
  }
  return { kind: "gguf", path };
}

/** Every cell; models are written below `folder`. The real model takes part where it lies beside the repository. */
export async function planCells(folder: string): Promise<Cell[]> {
  const cells: Cell[] = [];
  const add = (model: string, base: BaseSource, methods: ("full" | "lora")[], storages: BaseStorage[]) => {
    for (const kind of methods)
      for (const precision of ["f32", "bf16"] as const)
        for (const baseStorage of kind === "full" ? (["dense"] as const) : storages)
          for (const [length, tokens] of lengths)
            for (const gradientCheckpointing of [false, true]) {
              if (baseStorage !== "dense" && (precision === "f32" || gradientCheckpointing)) continue;
              const method = kind === "full" ? { kind } : lora(16);
              const words = [model, kind, precision, baseStorage, length, gradientCheckpointing ? "checkpointing" : ""];
              cells.push({
                name: words.filter(Boolean).join(", "),
                spec: specOf(base, { precision, method, baseStorage, gradientCheckpointing, ...tokens }),
              });
            }
  };
  for (const [model, shape] of Object.entries(shapes)) {
    const dir = join(folder, model);
    if (!existsSync(dir)) writeTinyModel(dir, shape);
    add(model, { kind: "hf", dir }, ["full", "lora"], ["dense", "int8", "nf4"]);
  }
  if (existsSync(real)) {
    const { readdirSync } = await import("node:fs");
    const file = readdirSync(real).find((name) => name.endsWith(".gguf"));
    if (file) add("SmolLM2 135M", { kind: "gguf", path: join(real, file) }, ["lora"], ["dense", "blocks", "nf4"]);
  } else {
    const path = join(folder, "middle.gguf");
    add("middle Q8_0", await asGguf(join(folder, "middle"), path), ["lora"], ["blocks"]);
  }
  return cells;
}
