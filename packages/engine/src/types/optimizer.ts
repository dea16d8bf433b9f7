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
