import {
  getLlama,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel as NativeModel,
  type Token,
} from "node-llama-cpp";

export interface GenerateOptions {
  numPredict: number; // negative: no limit
  temperature: number;
  topK: number;
  topP: number;
  seed: number | null;
  stop: string[];
  topLogprobs: number | null; // null: none asked for
}
export interface Logprob {
  token: string;
  logprob: number;
  bytes: number[];
  top?: Logprob[];
}
export interface Piece {
  text: string;
  logprob?: Logprob;
}
export interface Ending {
  reason: "stop" | "length";
  tokens: number;
}
// Something that goes on with a prompt, piece by piece.
export interface Answerer {
  answer(prompt: number[], options: GenerateOptions, signal: AbortSignal): AsyncGenerator<Piece, Ending, void>;
  close(): Promise<void>;
}

let started: Promise<Llama> | null = null;
const llama = (): Promise<Llama> => {
  started ??= getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.disabled, maxThreads: 2 });
  return started;
};

// Real llama.cpp on the CPU. Throws when the file does not load there.
export async function loadLlama(path: string, contextLength: number): Promise<Answerer> {
  const model = await (await llama()).loadModel({ modelPath: path });
  try {
    const context = await model.createContext({ contextSize: Math.max(256, contextLength), sequences: 1 });
    return new LlamaAnswerer(model, context);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

class LlamaAnswerer implements Answerer {
  private readonly model: NativeModel;
  private readonly context: LlamaContext;
  private readonly sequence: ReturnType<LlamaContext["getSequence"]>;

  constructor(model: NativeModel, context: LlamaContext) {
    this.model = model;
    this.context = context;
    this.sequence = context.getSequence();
  }

  async close(): Promise<void> {
    await this.context.dispose();
    await this.model.dispose();
  }

  private describe(token: Token, probability: number): Logprob {
    const text = this.model.detokenize([token], false);
    return { token: text, logprob: Math.log(probability), bytes: [...Buffer.from(text)] };
  }

  async *answer(prompt: number[], options: GenerateOptions, signal: AbortSignal): AsyncGenerator<Piece, Ending, void> {
    await this.sequence.clearHistory();
    const wantsLogprobs = options.topLogprobs !== null;
    const stream = this.sequence.evaluateWithMetadata(
      prompt as Token[],
      { probabilities: wantsLogprobs as true },
      {
        temperature: Math.max(0, options.temperature),
        topK: options.topK,
        topP: options.topP,
        ...(options.seed === null ? {} : { seed: options.seed }),
        yieldEogToken: true,
      },
    );
    const generated: Token[] = [];
    let emitted = "";
    const output = new StopBuffer(options.stop);
    for await (const { token, probabilities } of stream) {
      if (signal.aborted) break;
      generated.push(token);
      if (this.model.isEogToken(token)) return yield* this.finish(output, "stop", generated.length);
      const whole = this.model.detokenize(generated, false);
      const partial = whole.endsWith("\ufffd");
      const fresh = partial ? "" : whole.slice(emitted.length);
      if (!partial) emitted = whole;
      const { text, stopped } = output.add(fresh);
      const piece: Piece = { text };
      if (probabilities) {
        const chosen = this.describe(token, probabilities.get(token) ?? 1);
        const top = [...probabilities].slice(0, options.topLogprobs ?? 0).map(([t, p]) => this.describe(t, p));
        piece.logprob = top.length > 0 ? { ...chosen, top } : chosen;
      }
      if (text !== "" || piece.logprob) yield piece;
      if (stopped) return { reason: "stop", tokens: generated.length };
      if (options.numPredict >= 0 && generated.length >= options.numPredict)
        return yield* this.finish(output, "length", generated.length);
    }
    return { reason: "stop", tokens: generated.length };
  }

  private async *finish(
    output: StopBuffer,
    reason: Ending["reason"],
    tokens: number,
  ): AsyncGenerator<Piece, Ending, void> {
    const rest = output.rest();
    if (rest !== "") yield { text: rest };
    return { reason, tokens };
  }
}

// Holds back what may be the beginning of a stop string; the text ends before one.
export class StopBuffer {
  private readonly stop: string[];
  private held = "";
  constructor(stop: string[]) {
    this.stop = stop.filter((text) => text !== "");
  }

  add(text: string): { text: string; stopped: boolean } {
    this.held += text;
    const found = this.stop.map((stop) => this.held.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) return { text: this.held.slice(0, Math.min(...found)), stopped: true };
    let keep = 0;
    for (const stop of this.stop)
      for (let length = Math.min(stop.length - 1, this.held.length); length > keep; length -= 1)
        if (this.held.endsWith(stop.slice(0, length))) keep = length;
    const free = this.held.slice(0, this.held.length - keep);
    this.held = this.held.slice(this.held.length - keep);
    return { text: free, stopped: false };
  }

  rest(): string {
    const rest = this.held;
    this.held = "";
    return rest;
  }
}
