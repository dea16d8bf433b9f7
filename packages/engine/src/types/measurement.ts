// What a session measures without updating anything.

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
