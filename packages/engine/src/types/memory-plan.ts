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
  /** The slowest of the timed steps after the first: how much the machine varies. */
  slowestSecondsPerStep: number;
  tokensPerSecond: number;
  /** Seconds per generated token of several prompts answered at once; null where the context leaves no room. */
  secondsPerNewToken: number | null;
  /** Seconds until the model was loaded. */
  loadSeconds: number;
}
