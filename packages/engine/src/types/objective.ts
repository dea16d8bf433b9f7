import type { BaseSource } from "./model.ts";

/** Cross-entropy over the supervised tokens, each times its weight, divided by the weights' sum. */
export interface SftObjective {
  kind: "sft";
  /** Share of the target spread evenly over the vocabulary. */
  labelSmoothing: number;
  /** Weight of log(Z)^2, Z the sum of exponentials of a token's logits. */
  zLoss: number;
}

/** Pairs of answers: sequences come as chosen, rejected, chosen, rejected, ... The reference is the model that training starts from. */
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
