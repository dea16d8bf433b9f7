import type { EngineCause } from "@anneal/contracts";

// What is known of a base model and of the machine before anything is loaded.

/** Where a base model lies: one GGUF file, or a folder in Hugging Face layout (config.json + safetensors). */
export type BaseSource = { kind: "gguf"; path: string } | { kind: "hf"; dir: string };

/** Linear layers that LoRA can adapt, under their Hugging Face names. */
export type LinearName = "q_proj" | "k_proj" | "v_proj" | "o_proj" | "gate_proj" | "up_proj" | "down_proj";

export const LINEAR_NAMES: readonly LinearName[] = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
];

export type IsaName = "generic" | "avx2" | "avx512" | "avx512_bf16" | "amx_bf16";

export interface EngineInfo {
  version: string;
  /** The instruction set in use; ANNEAL_ISA lowers it. */
  isa: IsaName;
  isaAvailable: IsaName[];
  /** Hardware threads the engine uses when a spec names none. */
  threads: number;
  cuda: "not_compiled" | "unavailable" | "available";
}

export interface RopeScaling {
  type: string;
  factor?: number;
  lowFrequencyFactor?: number;
  highFrequencyFactor?: number;
  originalContextLength?: number;
}

export interface ModelInfo {
  family: string;
  /** Unique parameters: a tied head counts once. */
  parameters: number;
  layers: number;
  hiddenSize: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  ffnSize: number;
  vocabSize: number;
  contextLength: number;
  tiedHead: boolean;
  /** Most common type of the two-dimensional weights, as the file holds them ("F32", "BF16", "Q4_1", ...). */
  quantisation: string;
  linearNames: LinearName[];
  fileBytes: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  normEpsilon: number;
  /** Why llama.cpp could not run the model from a GGUF, the configuration's field first; null where exportGguf can write it. */
  ggufProblem: EngineCause | null;
}

/** What a PEFT folder holds, seen over a base that it fits. */
export interface AdapterInfo {
  /** Of all modules but those that rank_pattern and alpha_pattern name, which keep their own. */
  rank: number;
  alpha: number;
  rsLora: boolean;
  dora: boolean;
  /** Names of the adapted linear layers, as ModelInfo.linearNames has them. */
  targets: string[];
  /** What the folder says it was trained on; empty where it says nothing. */
  baseModelName: string;
}
