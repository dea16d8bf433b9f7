import type { BaseSource } from "./model.ts";
import type { Objective } from "./objective.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * bf16: bf16 products over float32 masters. bf16_sr: trained matrices live in bf16 alone and are rounded stochastically, without
 * masters. f16: f16 products over float32 masters with a loss scale that adapts.
 */
export type Precision = "f32" | "bf16" | "bf16_sr" | "f16";

export interface LoraMethod {
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
}

export interface FullMethod {
  kind: "full";
  /** Tensors that stay as they are, by Hugging Face name; `*` stands for any text. A pattern that names none is refused. */
  freeze?: string[];
}

export type TrainingMethod = FullMethod | LoraMethod;

/** selective: attention is kept, the feed-forward's activations are made again in the backward pass. */
export type GradientCheckpointing = "none" | "layer" | "selective";

/**
 * How the frozen base stays in memory (LoRA only). int8: blocks of 64 weights with one scale. nf4: QLoRA's 4-bit codes with
 * doubly quantised scales; embedding and head stay int8. blocks: a GGUF's own blocks, exactly as the file holds them.
 */
export type BaseStorage = "dense" | "int8" | "nf4" | "blocks";

/** One of several adapters trained side by side over one base; targets, dropout and rsLoRA are the method's. */
export interface AdapterSpec {
  /** Letters, digits, _ and -; unique. */
  name: string;
  rank: number;
  alpha: number;
  /** Of its fresh weights and its dropout. */
  seed: number;
  /** A PEFT folder to start from. */
  from?: string;
}

export interface TrainingSpec {
  base: BaseSource;
  precision: Precision;
  /** Defaults to "dense": the precision's type. */
  baseStorage?: BaseStorage;
  /** Defaults to the machine's hardware threads. Results do not depend on it. */
  threads?: number;
  /** 0 <= seed < 2^53. */
  seed: number;
  method: TrainingMethod;
  optimizer: Optimizer;
  /** Supervised fine-tuning when left out. */
  objective?: Objective;
  /** NEFTune: uniform noise of alpha / sqrt(length x channels) on the embeddings while training. */
  neftuneAlpha?: number;
  /**
   * Weight of the load-balancing loss of the routers, added to the objective; models with experts only. qwen3_moe has the loss of
   * transformers, taken over all tokens of the step (where it has several micro-batches, they first run forward once more); deepseek has
   * the one of its papers, of each sequence. It counts every token of the sequences trained on, questions too; of adapters side by side
   * each has that of its own tokens.
   */
  routerAuxWeight?: number;
  /** true is "layer", false is "none". */
  gradientCheckpointing: boolean | GradientCheckpointing;
  /** Largest number of tokens one micro-batch may hold, over all of its sequences. */
  maxTokensPerMicroBatch: number;
  /** Longest single sequence; at most the model's context length. */
  maxSequenceTokens: number;
  /** A plan above this is refused with ENGINE_OOM. */
  memoryBudgetBytes?: number;
  /** LoRA with objective "sft" only: these adapters in place of one; every micro-batch says whose its sequences are. */
  adapters?: AdapterSpec[];
  /** A PEFT folder to start the adapter from; its rank, alpha and targets must equal the method's. */
  adapter?: string;
}
