// A family's reference model made wider: the same tensors and settings, every width times a factor, random weights. For figures that the
// tiny reference models are too small for.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HeaderEntry, writeRandomTensors } from "../../bench/support/random-model.ts";
import { fixtures } from "../paths.ts";

const widths = [
  "hidden_size",
  "intermediate_size",
  "moe_intermediate_size",
  "head_dim",
  "q_lora_rank",
  "kv_lora_rank",
  "qk_head_dim",
  "qk_nope_head_dim",
  "qk_rope_head_dim",
  "v_head_dim",
];

function headerOf(path: string): Record<string, { shape: number[] }> {
  const bytes = readFileSync(path);
  const { __metadata__: _, ...tensors } = JSON.parse(
    bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString("utf8"),
  );
  return tensors;
}

/** Writes it as a Hugging Face folder without a tokenizer. `family` is a folder of tests/fixtures/goldens. */
export function writeInflatedModel(dir: string, family: string, factor: number, vocabulary: number): void {
  const from = join(fixtures, "goldens", family);
  const config = JSON.parse(readFileSync(join(from, "config.json"), "utf8"));
  const experts = config.num_local_experts ?? config.num_experts ?? config.n_routed_experts;
  const widened = (name: string, shape: number[]): number[] =>
    shape.map((size, axis) => {
      if (axis === 0 && size === config.vocab_size && /embed_tokens|lm_head/.test(name)) return vocabulary;
      const routes = /mlp\.gate\.(weight|e_score_correction_bias)$/.test(name);
      return axis === 0 && routes && size === experts ? size : size * factor;
    });
  const tensors: HeaderEntry[] = Object.entries(headerOf(join(from, "model.safetensors"))).map(([name, { shape }]) => [
    name,
    widened(name, shape),
  ]);
  for (const key of widths) if (typeof config[key] === "number") config[key] *= factor;
  if (typeof config.query_pre_attn_scalar === "number") config.query_pre_attn_scalar *= factor;
  Object.assign(config, { vocab_size: vocabulary, max_position_embeddings: 4096 });
  mkdirSync(dir, { recursive: true });
  writeRandomTensors(join(dir, "model.safetensors"), tensors);
  writeFileSync(join(dir, "config.json"), JSON.stringify(config));
}
