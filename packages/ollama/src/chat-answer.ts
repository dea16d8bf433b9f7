import { say, type Words } from "@anneal/contracts";
import { OllamaError } from "./error.ts";
import type { ChatReply } from "./replies.ts";

export interface ChatAnswer {
  content: string;
  doneReason: string;
  promptTokens: number; // cached ones too
  answerTokens: number; // the end token counted
  totalSeconds: number;
  loadSeconds: number;
  promptSeconds: number;
  answerSeconds: number;
  logprobs: NonNullable<ChatReply["logprobs"]>;
}

const seconds = (nanoseconds: number | undefined) => (nanoseconds ?? 0) / 1e9;

// The server drops errors of its runner silently: what ends without `done:true` was cut off.
export function finishedAnswer(
  last: ChatReply,
  content: string,
  logprobs: NonNullable<ChatReply["logprobs"]>,
  what: Words,
): ChatAnswer {
  if (last.error !== undefined)
    throw new OllamaError("OLLAMA_SERVER_ERROR", say`${what}: ${last.error}`, { status: 200 });
  if (last.done !== true)
    throw new OllamaError("OLLAMA_PROTOCOL", say`${what}: the answer was cut off (no "done": true)`, {
      remedy: say`look into Ollama's log; a model that repeats itself endlessly is cut off like this`,
      detail: content.slice(-200),
    });
  return {
    content,
    doneReason: last.done_reason ?? "stop",
    promptTokens: last.prompt_eval_count ?? 0,
    answerTokens: last.eval_count ?? 0,
    totalSeconds: seconds(last.total_duration),
    loadSeconds: seconds(last.load_duration),
    promptSeconds: seconds(last.prompt_eval_duration),
    answerSeconds: seconds(last.eval_duration),
    logprobs,
  };
}
