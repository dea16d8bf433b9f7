import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatasetCheck, GgufType, RunSpec } from "@anneal/contracts";

// Bytes a parameter takes in each export; the mixed type's figure allows for tensors kept at more bits.
const bytesPerParameter: Record<GgufType, number> = {
  F16: 2,
  BF16: 2,
  Q8_0: 1.07,
  Q6_K: 0.9,
  Q5_K_M: 0.82,
  Q4_K_M: 0.75,
  Q4_0: 0.7,
};
const smallThingsBytes = 32 * 1024 ** 2; // journal, report, tokenizer, headers

/** What a run writes: checkpoints (those kept, one being written), exports, the token shard. */
export function diskNeed(
  spec: RunSpec,
  size: { parameters: number; trainableParameters: number },
  data: DatasetCheck,
): number {
  const state = size.trainableParameters * 12; // float32 value and the optimizer's two moments
  const checkpoints = state * (spec.checkpoints.keepLast + (spec.checkpoints.keepBest ? 1 : 0) + 1);
  const adapter = spec.method.kind === "lora" ? size.trainableParameters * 4 : 0;
  const merged = spec.export.merged ? size.parameters * 4 : 0;
  const gguf = spec.export.gguf.reduce((sum, type) => sum + size.parameters * bytesPerParameter[type], 0);
  return Math.ceil(checkpoints + adapter + merged + gguf + data.tokens * 8 + smallThingsBytes);
}

/** Free bytes where a folder is, or will be made. */
export async function diskFree(folder: string): Promise<number> {
  let path = folder;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
