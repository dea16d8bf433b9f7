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
