import { ReplyError } from "../faulty.ts";
import type { GoValue, Json } from "../go/go-json.ts";
import type { Model } from "../model.ts";
import { type Options, readOptions } from "../routes/options.ts";
import type { Standin } from "../standin.ts";
import type { Logprob, Piece } from "./llama.ts";
import type { Runner } from "./runner.ts";
import { tokenize } from "./tokens.ts";

export interface Asked {
  model: Model;
  options: Options;
  runner: Runner;
  startedAt: bigint;
  loadedAt: bigint;
}

export interface Finished {
  reason: "stop" | "length";
  promptTokens: number;
  answerTokens: number;
  promptNanoseconds: bigint;
  answerNanoseconds: bigint;
}

// The server ends an answer silently after this many equal pieces in a row, where it rendered the prompt itself.
const repeatLimit = 30;
const defaults = { temperature: 0.8, topK: 40, topP: 0.9, numPredict: -1 };

export const requireTopLogprobs = (value: Json | undefined): void => {
  if (typeof value === "number" && (value < 0 || value > 20))
    throw new ReplyError(400, "top_logprobs must be between 0 and 20");
};

// Checks what the model must be able to do, loads it, and hands it to `work`.
export async function withRunner<T>(
  standin: Standin,
  model: Model,
  request: {
    options: Record<string, Json> | null;
    keepAlive: number | null;
    needs: string[];
    verb: "chat" | "generate";
    given: string;
  },
  work: (asked: Asked) => Promise<T>,
): Promise<T> {
  const startedAt = process.hrtime.bigint();
  const missing = request.needs.filter((need) => !model.capabilities.includes(need));
  if (missing.includes("completion"))
    throw new ReplyError(400, `${JSON.stringify(request.given)} does not support ${request.verb}`);
  if (missing.length > 0) throw new ReplyError(400, `${model.full} does not support ${missing.join("\n")}`);
  const options = readOptions(model.options, request.options);
  const runner = await standin.runners.acquire(model, options.numbers.num_ctx ?? null, request.keepAlive);
  try {
    return await work({ model, options, runner, startedAt, loadedAt: process.hrtime.bigint() });
  } finally {
    standin.runners.release(runner);
  }
}

// A prompt longer than the context keeps its first tokens and its end.
export function fitPrompt(asked: Asked, tokens: number[], truncate: boolean): number[] {
  const limit = asked.runner.contextLength;
  if (tokens.length < limit) return tokens;
  const context = Math.max(256, limit);
  if (!truncate || !asked.model.rendersItself) {
    const inner = {
      error: {
        code: 400,
        message: `request (${tokens.length} tokens) exceeds the available context size (${context} tokens), try increasing it`,
        type: "exceed_context_size_error",
        n_prompt_tokens: tokens.length,
        n_ctx: context,
      },
    };
    throw new ReplyError(400, JSON.stringify(inner));
  }
  const keep = Math.min(asked.options.numbers.num_keep ?? 4, limit - 1);
  const room = keep + Math.floor((limit - keep) / 2);
  return [...tokens.slice(0, keep), ...tokens.slice(tokens.length - (room - keep))];
}

// Runs the model on a prompt. Resolves to null when the answer was cut off silently.
export async function generate(
  standin: Standin,
  asked: Asked,
  prompt: string,
  request: { logprobs: boolean; topLogprobs: number; truncate: boolean },
  gone: AbortSignal,
  onPiece: (piece: Piece) => Promise<void>,
): Promise<Finished | null> {
  const { model, options, runner } = asked;
  return standin.runners.inTurn(runner, async () => {
    const tokens = fitPrompt(asked, tokenize(model.gguf, prompt), request.truncate);
    const begun = process.hrtime.bigint();
    let firstAt: bigint | null = null;
    let predict = options.numbers.num_predict ?? defaults.numPredict;
    if (predict === 0) predict = model.rendersItself ? -1 : 1;
    const pieces = runner.answerer.answer(
      tokens,
      {
        numPredict: predict,
        temperature: options.numbers.temperature ?? defaults.temperature,
        topK: options.numbers.top_k ?? defaults.topK,
        topP: options.numbers.top_p ?? defaults.topP,
        seed: options.numbers.seed ?? null,
        stop: options.stop ?? [],
        topLogprobs: request.logprobs ? request.topLogprobs : null,
      },
      gone,
    );
    let last = "";
    let repeats = 0;
    for (;;) {
      const step = await pieces.next();
      firstAt ??= process.hrtime.bigint();
      if (step.done) {
        return {
          reason: step.value.reason,
          promptTokens: tokens.length,
          answerTokens: step.value.tokens,
          promptNanoseconds: firstAt - begun,
          answerNanoseconds: process.hrtime.bigint() - firstAt,
        };
      }
      repeats = step.value.text.trim() === last ? repeats + 1 : 0;
      last = step.value.text.trim();
      if (model.rendersItself && repeats > repeatLimit) {
        await pieces.return({ reason: "stop", tokens: 0 });
        return null;
      }
      await onPiece(step.value);
    }
  });
}

const orAbsent = (value: number | bigint): number | undefined => (Number(value) === 0 ? undefined : Number(value));

export const metrics = (asked: Asked, finished: Finished): { [key: string]: GoValue } => ({
  total_duration: orAbsent(process.hrtime.bigint() - asked.startedAt),
  load_duration: orAbsent(asked.loadedAt - asked.startedAt),
  prompt_eval_count: orAbsent(finished.promptTokens),
  prompt_eval_duration: orAbsent(finished.promptNanoseconds),
  eval_count: orAbsent(finished.answerTokens),
  eval_duration: orAbsent(finished.answerNanoseconds),
});

export function logprobValue({ token, logprob, bytes, top }: Logprob): GoValue {
  return { token, logprob, bytes, top_logprobs: top?.map(logprobValue) };
}
