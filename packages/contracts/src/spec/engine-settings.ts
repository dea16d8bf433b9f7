import type { EngineCause } from "../phrase/engine-cause.ts";
import type { BaseSource, LinearName } from "./base-model.ts";
import type { BaseStorage, ObjectiveSpec, OptimizerSpec, Precision } from "./training.ts";

// What the engine is asked and what it answers, in the engine's own words: @anneal/engine takes its types from here.

type Distillation = Extract<ObjectiveSpec, { kind: "distill" }>;
/**
 * sft: cross-entropy over the supervised tokens, each times its weight, divided by the weights' sum. dpo, ipo, orpo, simpo: sequences come as
 * chosen, rejected, chosen, rejected, ...; the reference is the model that training starts from. kto: single answers marked desirable or not;
 * sequences of preference 2 (a question with another one's answer) only measure the divergence. distill: crossEntropyWeight x cross-entropy
 * + (1 - crossEntropyWeight) x divergence from the teacher, mean over supervised tokens; no factor T^2.
 */
export type EngineObjective =
  | Exclude<ObjectiveSpec, Distillation>
  | (Omit<Distillation, "teacher" | "teacherFile" | "jsdBeta"> & {
      /** Weight of the teacher in the mixture of "jsd"; 0.5 when left out. */
      jsdBeta?: number;
      /** Left out: micro-batches bring the teacher's best log-probabilities. Its vocabulary must be the student's. */
      teacher?: BaseSource & { adapter?: string };
      /** Micro-batches bring so many of the teacher's best log-probabilities: no teacher is in memory. Not with reverse_kl. */
      teacherTopK?: number;
    });

export type EngineMethod =
  /** `freeze`: tensors that stay as they are, by Hugging Face name; `*` stands for any text. A pattern that names none is refused. */
  | { kind: "full"; freeze?: string[] }
  | {
      kind: "lora";
      rank: number;
      alpha: number;
      /** Probability that an input element of an adapter is dropped while training, 0 <= dropout < 1. */
      dropout: number;
      /** true: scale alpha / sqrt(rank); false: alpha / rank. */
      rsLora: boolean;
      /** DoRA: the adapter gives the direction, a trained vector the length of each output's weights. */
      dora?: boolean;
      /** LoRA+: learning rate of B (and of DoRA's magnitudes) over that of A; 1 when left out. */
      loraPlusRatio?: number;
      /** Names of linear layers as ModelInfo.linearNames has them. */
      targets: string[];
    };

/** selective: attention is kept, the feed-forward's activations are made again in the backward pass. true is "layer", false is "none". */
export type EngineCheckpointing = boolean | "none" | "layer" | "selective";

/** One of several adapters trained side by side over one base; targets, dropout and rsLoRA are the method's. */
export interface EngineAdapter {
  /** Letters, digits, _ and -; unique. */
  name: string;
  rank: number;
  alpha: number;
  /** Of its fresh weights and its dropout. */
  seed: number;
  /** A PEFT folder to start from. */
  from?: string;
}

export interface TrainingSettings {
  base: BaseSource;
  /**
   * bf16: bf16 products over float32 masters. bf16_sr: trained matrices live in bf16 alone and are rounded stochastically, without
   * masters. f16: f16 products over float32 masters with a loss scale that adapts.
   */
  precision: Precision;
  /**
   * How the frozen base stays in memory (LoRA only); "dense", the precision's type, when left out. int8: blocks of 64 weights with one
   * scale. nf4: QLoRA's 4-bit codes with doubly quantised scales; embedding and head stay int8. blocks: a GGUF's own blocks, exactly as
   * the file holds them.
   */
  baseStorage?: BaseStorage;
  /** Defaults to the machine's hardware threads. Results do not depend on it. */
  threads?: number;
  /** 0 <= seed < 2^53. */
  seed: number;
  method: EngineMethod;
  /**
   * Weight decay is applied to tensors of two or more dimensions only; it is decoupled except in SGD, as in torch. adamw8bit keeps both
   * moments in 8 bits, in blocks of 256 with a scale each; tensors below 4,096 elements keep float32.
   */
  optimizer: OptimizerSpec;
  /** Supervised fine-tuning when left out. */
  objective?: EngineObjective;
  /** NEFTune: uniform noise of alpha / sqrt(length x channels) on the embeddings while training. */
  neftuneAlpha?: number;
  /**
   * Weight of the load-balancing loss of the routers, added to the objective; models with experts only. qwen3_moe has the loss of
   * transformers, taken over all tokens of the step (where it has several micro-batches, they first run forward once more); deepseek has
   * the one of its papers, of each sequence. It counts every token of the sequences trained on, questions too; of adapters side by side
   * each has that of its own tokens.
   */
  routerAuxWeight?: number;
  gradientCheckpointing: EngineCheckpointing;
  /** Largest number of tokens one micro-batch may hold, over all of its sequences. */
  maxTokensPerMicroBatch: number;
  /** Longest single sequence; at most the model's context length. */
  maxSequenceTokens: number;
  /** A plan above this is refused with ENGINE_OOM. */
  memoryBudgetBytes?: number;
  /** LoRA with objective "sft" only: these adapters in place of one; every micro-batch says whose its sequences are. */
  adapters?: EngineAdapter[];
  /** A PEFT folder to start the adapter from; its rank, alpha and targets must equal the method's. */
  adapter?: string;
}

/** What a model's headers say. */
export interface EngineModelInfo {
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
  /** Why llama.cpp could not run the model from a GGUF, naming the configuration's field; null where exportGguf can write it. */
  ggufProblem: EngineCause | null;
}

/** What a PEFT folder holds, seen over a base that it fits. */
export interface EngineAdapterInfo {
  /** Of all modules but those that rank_pattern and alpha_pattern name, which keep their own. */
  rank: number;
  alpha: number;
  rsLora: boolean;
  dora: boolean;
  /** Names of the adapted linear layers, as EngineModelInfo.linearNames has them. */
  targets: string[];
  /** What the folder says it was trained on; empty where it says nothing. */
  baseModelName: string;
}

export interface EngineMemoryPlan {
  parts: {
    weights: number;
    /** Frozen matrices that stay quantised. */
    blocks: number;
    adapter: number;
    gradients: number;
    optimizer: number;
    activations: number;
    /** A teacher, or the copy that a fully trained policy is compared with. */
    reference: number;
    logits: number;
    packing: number;
    runtime: number;
  };
  totalBytes: number;
  trainableParameters: number;
  /** Floating point operations of one full micro-batch, forward and backward. */
  flopsPerMicroBatch: number;
}

export interface SpeedProbe {
  /** Seconds of one step of one full micro-batch. */
  secondsPerStep: number;
  /** The slowest of the timed steps after the first: how much the machine varies. */
  slowestSecondsPerStep: number;
  /** Seconds per generated token of several prompts answered at once; null where the context leaves no room. */
  secondsPerNewToken: number | null;
  /** Seconds until the model was loaded. */
  loadSeconds: number;
}
