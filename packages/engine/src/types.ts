// The engine's face to the rest of the product: plain data in, promises out.

/** Where a base model lies: one GGUF file, or a folder in Hugging Face layout (config.json + safetensors). */
export type BaseSource = { kind: "gguf"; path: string } | { kind: "hf"; dir: string };

/**
 * bf16: bf16 products over float32 masters. bf16_sr: trained matrices live in bf16 alone and are rounded stochastically, without
 * masters. f16: f16 products over float32 masters with a loss scale that adapts.
 */
export type Precision = "f32" | "bf16" | "bf16_sr" | "f16";

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
  ggufProblem: string | null;
}

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

/** Weight decay is applied to tensors of two or more dimensions only; it is decoupled except in SGD, as in torch. */
export interface AdamwOptimizer {
  /** adamw8bit keeps both moments in 8 bits, in blocks of 256 with a scale each; tensors below 4,096 elements keep float32. */
  kind: "adamw" | "adamw8bit";
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
}

export interface LionOptimizer {
  kind: "lion";
  beta1: number;
  beta2: number;
  weightDecay: number;
}

/** Factored second moments, no first; the semantics of torch.optim.Adafactor. */
export interface AdafactorOptimizer {
  kind: "adafactor";
  /** Exponent of the step, below 0. */
  decay: number;
  epsilon1: number;
  epsilon2: number;
  clipThreshold: number;
  weightDecay: number;
}

export interface SgdOptimizer {
  kind: "sgd";
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
}

export type Optimizer = AdamwOptimizer | LionOptimizer | AdafactorOptimizer | SgdOptimizer;

/** Cross-entropy over the supervised tokens, each times its weight, divided by the weights' sum. */
export interface SftObjective {
  kind: "sft";
  /** Share of the target spread evenly over the vocabulary. */
  labelSmoothing: number;
  /** Weight of log(Z)^2, Z the sum of exponentials of a token's logits. */
  zLoss: number;
}

/** Pairs of answers: sequences come as chosen, rejected, chosen, rejected, ... The reference is the base without adapter, or the starting weights. */
export type PairObjective =
  | { kind: "dpo"; beta: number; labelSmoothing: number }
  | { kind: "ipo"; beta: number }
  | { kind: "orpo"; beta: number }
  | { kind: "simpo"; beta: number; gamma: number };

/** Single answers marked desirable or not; sequences of preference 2 (a question with another one's answer) only measure the divergence. */
export interface KtoObjective {
  kind: "kto";
  beta: number;
  desirableWeight: number;
  undesirableWeight: number;
}

/** crossEntropyWeight x cross-entropy + (1 - crossEntropyWeight) x divergence from the teacher, mean over supervised tokens; no factor T^2. */
export interface DistillObjective {
  kind: "distill";
  divergence: "forward_kl" | "reverse_kl" | "jsd";
  temperature: number;
  /** Weight of the teacher in the mixture of "jsd"; 0.5 when left out. */
  jsdBeta?: number;
  crossEntropyWeight: number;
  /** Left out: micro-batches bring the teacher's best log-probabilities. Its vocabulary must be the student's. */
  teacher?: BaseSource & { adapter?: string };
  /** Micro-batches bring so many of the teacher's best log-probabilities: no teacher is in memory. Not with reverse_kl. */
  teacherTopK?: number;
}

export type Objective = SftObjective | PairObjective | KtoObjective | DistillObjective;

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

/** Sequences laid end to end without padding. N tokens, S sequences. */
export interface MicroBatch {
  /** (N) token ids. */
  tokens: Int32Array;
  /** (N) the token itself where it is trained, -100 elsewhere; the engine shifts inside each sequence as Hugging Face does. */
  labels: Int32Array;
  /** (S + 1) cumulative: sequence i is tokens[offsets[i]] .. tokens[offsets[i + 1] - 1]. */
  offsets: Int32Array;
  /** (N) weight of each token's loss, from 0; 1 when left out. */
  weights?: Float32Array;
  /** (S) index into spec.adapters of each sequence, ascending. */
  adapters?: Int32Array;
  /** (S) 1 chosen or desirable, 0 rejected or undesirable, 2 for the divergence only (KTO). */
  preference?: Int8Array;
  /**
   * What the teacher thinks of each supervised token, in order: the ids of its best k and their natural log-probabilities (supervised, k),
   * best first. They are tempered and scaled to sum 1: every other token counts as impossible.
   */
  teacher?: { ids: Int32Array; logprobs: Float32Array; k: number };
}

export interface MemoryPlan {
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
  /** Of the activations, what each layer keeps for backward; one entry for all layers that share their buffers. */
  layerActivationBytes: number[];
  totalBytes: number;
  trainableParameters: number;
  /** Floating point operations of one full micro-batch, forward and backward. */
  flopsPerMicroBatch: number;
  /** Only where a probe was given. */
  secondsPerStep?: number;
}

export interface SpeedProbe {
  /** Seconds of one step of one full micro-batch. */
  secondsPerStep: number;
  tokensPerSecond: number;
}

export interface StepRequest {
  /** Gradient accumulation: the step is normalised by the supervised tokens of all micro-batches together. */
  microBatches: MicroBatch[];
  learningRate: number;
  /** Global norm above which gradients are scaled down; 0 or Infinity switches clipping off. */
  clipNorm: number;
  /** 0-based optimizer step; keys dropout and Adam's bias correction. */
  step: number;
  /** Adapters side by side: the rate and clipping of each, in place of those above. */
  adapters?: { learningRate: number; clipNorm: number }[];
  /** A loss above this rejects with ENGINE_NUMERIC before the update, as one that is not finite does. */
  maxLoss?: number;
}

export interface StepResult {
  /** What the objective minimises, before the update: for SFT the mean negative log-likelihood over the supervised tokens. */
  loss: number;
  /** Global norm before clipping. */
  gradNorm: number;
  supervisedTokens: number;
  tokens: number;
  seconds: number;
  phases: { forward: number; backward: number; optimizer: number };
  /**
   * The objective's own figures: nll, rewardMargin, rewardAccuracy, kl, ... Where routers are balanced: routerAux, without its weight, and
   * expertLoadMax and expertLoadMin, the busiest and idlest expert's tokens over an even share, mean over the layers; of adapters side by
   * side the means of theirs.
   */
  metrics: Record<string, number>;
  /** Adapters side by side: each one's part, as if it trained alone. One without tokens in the step rests. */
  adapters?: { name: string; loss: number; gradNorm: number; supervisedTokens: number; tokens: number }[];
  /** f16: what the loss was multiplied by in this step. */
  lossScale?: number;
  /** f16: the scaled gradient overflowed; nothing was updated and the scale was halved. */
  skipped?: boolean;
}

export interface SequenceEvaluation {
  /** Sum of negative log-likelihoods over this sequence's supervised tokens. */
  loss: number;
  tokens: number;
  /** Supervised tokens that were the model's first choice. */
  correct: number;
}

export interface EvaluationResult {
  lossSum: number;
  supervisedTokens: number;
  perSequence: SequenceEvaluation[];
  /** Natural log-probability of every supervised token, in order; only when asked for. */
  tokenLogprobs?: Float32Array;
}

export interface EvaluateOptions {
  tokenLogprobs?: boolean;
  /** LoRA only: leave the adapter out and measure the base. */
  baseOnly?: boolean;
}

export interface LogitsResult {
  /** (positions.length, vocabSize), row-major. */
  values: Float32Array;
  rows: number;
  vocabSize: number;
}

/** (supervised tokens, k) ids and natural log-probabilities, most likely first. */
export interface BestTokens {
  ids: Int32Array;
  logprobs: Float32Array;
}

export interface NamedTensor {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** Sum of log-probabilities of each sequence's supervised tokens. */
export interface ScoresResult {
  sums: Float64Array;
  tokens: Int32Array;
}

export interface GradientsResult {
  loss: number;
  metrics: Record<string, number>;
  tensors: NamedTensor[];
}

export interface GenerateRequest {
  prompts: Int32Array[];
  maxNewTokens: number;
  /** 0 is greedy. */
  temperature: number;
  /** 0 switches the filter off. */
  topK: number;
  /** 1 switches the filter off. */
  topP: number;
  seed: number;
  stopTokens: readonly number[];
  /** Called in order for each sequence as tokens come. */
  onToken?: (sequence: number, token: number) => void;
  /** Report the log-probability of each chosen token and of this many best ones (0: chosen only). */
  logprobs?: number;
  /** LoRA only: answer with the base, without the adapter. */
  baseOnly?: boolean;
  /** One of several adapters trained side by side; left out: the first. */
  adapter?: string;
}

export interface GeneratedSequence {
  /** Without the stop token. */
  tokens: Int32Array;
  finish: "stop" | "length";
  /** Natural log-probability of each chosen token at temperature 1, the stop token included. */
  logprobs?: Float32Array;
  /** (chosen tokens, n) ids and natural log-probabilities of the best ones, best first. */
  topTokens?: Int32Array;
  topLogprobs?: Float32Array;
}

export interface GenerateResult {
  sequences: GeneratedSequence[];
  timing: {
    prefillSeconds: number;
    decodeSeconds: number;
    promptTokens: number;
    newTokens: number;
    /** Seconds of each decode step of the batch, first token included. */
    perTokenSeconds: Float64Array;
  };
}

export interface SavedFile {
  sha256: string;
  bytes: number;
}

export type GgufExportType = "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0" | "Q4_K_M" | "Q5_K_M" | "Q6_K";

/** A metadata value as GGUF types it. Plain strings, booleans and arrays of strings need no tag. */
export type GgufValue =
  | string
  | boolean
  | string[]
  | {
      type: "u32" | "i32" | "f32" | "u64" | "i64" | "f64" | "u8" | "i8" | "u16" | "i16";
      value: number;
    }
  | { type: "i32[]"; value: Int32Array | number[] }
  | { type: "f32[]"; value: Float32Array | number[] };

/** What rounding to the file's types cost: root mean square of the difference over that of the values. */
export interface QuantisationError {
  /** Over all tensors together. */
  relativeRmse: number;
  /** Each matrix under its GGUF name, with the type it got. */
  tensors: { name: string; type: string; relativeRmse: number }[];
}

export interface GgufExportResult extends SavedFile {
  error: QuantisationError;
}

export interface GgufExportOptions {
  /** One of several adapters trained side by side; left out: the first. */
  adapter?: string;
  type: GgufExportType;
  /** Keys beside the architecture's own (general.name, tokenizer.ggml.*, tokenizer.chat_template, ...); they win over keys carried from a GGUF base. */
  metadata: Record<string, GgufValue>;
}

export interface SessionMemory {
  plannedBytes: number;
  arenaPeakBytes: number;
  /** Of the whole process: now, and the most it ever was. */
  rssBytes: number;
  peakRssBytes: number;
}

/** A model in memory with its optimizer. Calls queue on the session's own thread; stop requests act at once. */
export interface Session {
  readonly info: ModelInfo;
  readonly plan: MemoryPlan;
  /** One optimizer step. Rejects with ENGINE_STOPPED, state untouched, when a stop was requested. */
  step(request: StepRequest): Promise<StepResult>;
  evaluate(microBatches: MicroBatch[], options?: EvaluateOptions): Promise<EvaluationResult>;
  /** Logits after each of `positions` (indices into tokens; all when left out). */
  logits(microBatch: MicroBatch, positions?: Int32Array): Promise<LogitsResult>;
  /** The base's k best next tokens at each supervised token, without the adapter: what a teacher's file holds. */
  bestTokens(microBatch: MicroBatch, k: number): Promise<BestTokens>;
  /** Gradients of the objective over all micro-batches; nothing is updated. `lossOnly` computes all and copies none. */
  gradients(microBatches: MicroBatch[], options?: { lossOnly?: boolean }): Promise<GradientsResult>;
  /** The objective's loss and figures over all micro-batches, without gradients. */
  measure(microBatches: MicroBatch[]): Promise<{ loss: number; metrics: Record<string, number> }>;
  scores(microBatch: MicroBatch, options?: { baseOnly?: boolean }): Promise<ScoresResult>;
  /** One tensor as f32 under its Hugging Face or PEFT name. */
  weights(name: string): Promise<NamedTensor>;
  trainableNames(): string[];
  generate(request: GenerateRequest): Promise<GenerateResult>;
  saveState(path: string): Promise<SavedFile>;
  /** Resumes where saveState left; `step` is the next 0-based step. */
  loadState(path: string): Promise<{ step: number }>;
  /** `adapter` names one of several trained side by side; left out: the first. */
  exportAdapter(dir: string, options?: { baseModelName?: string; adapter?: string }): Promise<void>;
  /** Base with the adapter merged in, as model.safetensors + config.json. */
  exportMerged(dir: string, options?: { dtype?: "f32" | "bf16" | "f16"; adapter?: string }): Promise<void>;
  exportGguf(path: string, options: GgufExportOptions): Promise<GgufExportResult>;
  requestStop(): void;
  clearStop(): void;
  memory(): SessionMemory;
  /** Gives the system what holds nothing between two calls (activations, scratch), until training goes on. */
  releaseIdleMemory(): Promise<void>;
  close(): Promise<void>;
}

export interface TensorEntry {
  name: string;
  type: string;
  shape: number[];
  bytes: number;
}

/** Metadata of a GGUF file as its header holds it; large arrays are typed arrays or string[]. */
export interface GgufFileInfo {
  version: number;
  metadata: Record<string, GgufMetadataValue>;
  tensors: TensorEntry[];
}

export type GgufMetadataValue =
  | string
  | number
  | bigint
  | boolean
  | string[]
  | boolean[]
  | number[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;
