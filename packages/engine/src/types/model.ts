import { type EngineModelInfo, LinearName } from "@anneal/contracts";

// What is known of a base model and of the machine before anything is loaded.

export type { EngineAdapterInfo as AdapterInfo, LinearName } from "@anneal/contracts";
/** Linear layers that LoRA can adapt, under their Hugging Face names. */
export const LINEAR_NAMES: readonly LinearName[] = LinearName.options;

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

export interface ModelInfo extends EngineModelInfo {
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  normEpsilon: number;
}
