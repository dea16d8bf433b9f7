// What a session is fed with, and what a step answers.

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
  adapters?: {
    name: string;
    loss: number;
    gradNorm: number;
    supervisedTokens: number;
    tokens: number;
    /** Where routers are balanced: of its own tokens, without its weight. */
    routerAux?: number;
  }[];
  /** f16: what the loss was multiplied by in this step. */
  lossScale?: number;
  /** f16: the scaled gradient overflowed; nothing was updated and the scale was halved. */
  skipped?: boolean;
}
