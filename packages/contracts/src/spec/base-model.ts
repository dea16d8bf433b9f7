import { z } from "zod";
import { Bytes, Digest, Id } from "../ids.ts";
import { EngineCause } from "../phrase/engine-cause.ts";
import { Phrases } from "../phrase/phrase.ts";
import { wellFormedText } from "../text.ts";

// Where training starts: `ollama:NAME[:TAG]`, `model:ID` (the registry), an absolute path to a .gguf file, or to a folder in Hugging Face layout.
export const BaseModelRef = wellFormedText()
  .trim()
  .min(1, "choose a base model")
  .max(1024)
  .refine((v) => !/\p{Cc}/u.test(v), "must not hold control characters")
  .refine(
    (v) => v.startsWith("ollama:") || v.startsWith("model:") || v.startsWith("/"),
    "must be ollama:NAME, model:ID, or an absolute path of a .gguf file or a Hugging Face folder",
  );
export type BaseModelRef = z.infer<typeof BaseModelRef>;

export const LinearName = z.enum(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]);
export type LinearName = z.infer<typeof LinearName>;

// A linear layer under its Hugging Face name (experts: `experts.gate_proj`), or all that a model has.
export const allLinear = "all-linear";
export const LinearTarget = z
  .string()
  .max(64)
  .regex(/^([a-z][a-z0-9_]*(\.[a-z0-9_]+)*|all-linear)$/, "must be the name of a linear layer, or all-linear");
export type LinearTarget = z.infer<typeof LinearTarget>;

// What a model file says about itself (headers only; no weights are read).
/** Where a base model lies: one GGUF file, or a folder in Hugging Face layout (config.json + safetensors). */
export const BaseSource = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("gguf"), path: z.string() }),
  z.object({ kind: z.literal("hf"), dir: z.string() }),
]);
export type BaseSource = z.infer<typeof BaseSource>;

export const ModelFacts = z.object({
  family: z.string(),
  parameters: z.int().nonnegative(),
  layers: z.int(),
  hiddenSize: z.int(),
  attentionHeads: z.int(),
  keyValueHeads: z.int(),
  headSize: z.int(),
  feedForwardSize: z.int(),
  vocabularySize: z.int(),
  contextTokens: z.int(),
  tiedHead: z.boolean(),
  quantisation: z.string(), // "F32", "BF16", "Q4_1", "mixed Q4_K_M" ...
  linearNames: z.array(z.string()),
  fileBytes: Bytes,
  hasChatTemplate: z.boolean(),
  ggufProblem: z.union([z.string(), EngineCause]).nullable().default(null), // why llama.cpp could not run it from a GGUF
});
export type ModelFacts = z.infer<typeof ModelFacts>;

export const ModelSummary = z.object({
  id: Id.nullable(), // null: found in Ollama or a models folder, not (yet) in the registry
  ref: BaseModelRef,
  place: z.string(), // where it lies: `ref`, or behind `model:ID` the path or the name in Ollama
  name: z.string(),
  source: z.enum(["ollama", "gguf", "hf", "run"]),
  supported: z.boolean(),
  unsupportedReason: z.string().nullable(),
  phrases: Phrases.optional(), // of unsupportedReason
  facts: ModelFacts.nullable(),
  digest: Digest.nullable(),
  runId: Id.nullable(), // source "run": the run that made it
  createdAt: z.string().nullable(),
});
export type ModelSummary = z.infer<typeof ModelSummary>;
