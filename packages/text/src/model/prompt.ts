import { type Message, say } from "@anneal/contracts";
import type { Traced } from "../chat/traced.ts";
import { TextError } from "../text-error.ts";
import type { TextModel } from "./text-model.ts";
import { decodeSaid } from "./thought-marks.ts";

export interface ChatOptions {
  addGenerationPrompt: boolean;
}

// Messages as the template gets them: without our own fields.
function asTemplateReads({ templateSource }: TextModel, message: Message) {
  const { role, content, reasoning_content: thought, weight } = message;
  if (thought === undefined || role !== "assistant") return { role, content };
  if (templateSource.includes("reasoning_content")) return { role, content, reasoning_content: thought };
  if (/<\/?think>/.test(templateSource)) return { role, content: `<think>\n${thought}\n</think>\n\n${content}` };
  if (weight === 0 || thought.trim() === "") return { role, content };
  throw new TextError(
    "messages",
    say`the chat template has no place for the thought of an answer (${"reasoning_content"})`,
    say`Write the thought into the answer's content, leave it out, or use a base model that thinks.`,
  );
}

export function renderTraced(model: TextModel, messages: readonly Message[], options: ChatOptions): Traced {
  return model.template.render({
    messages: messages.map((message) => asTemplateReads(model, message)),
    addGenerationPrompt: options.addGenerationPrompt,
    specialTokens: model.specialTokens,
    now: model.now,
  });
}

export const renderChat = (model: TextModel, messages: readonly Message[], options: ChatOptions): string =>
  renderTraced(model, messages, options).text;

// Token ids that ask the model for its next answer. Text of the messages never becomes a control token.
export function encodePrompt(model: TextModel, messages: readonly Message[]): Int32Array {
  const { text, runs } = renderTraced(model, messages, { addGenerationPrompt: true });
  const { ids } = model.tokenizer.encodeGuarded(text, runs);
  return model.addsBos && model.tokenizer.bosId !== null ? Int32Array.from([model.tokenizer.bosId, ...ids]) : ids;
}

// The text of an answer: up to the first token that ends it, without control tokens other than the marks of thoughts.
export function decodeAnswer(model: TextModel, ids: Iterable<number>): string {
  const kept: number[] = [];
  for (const id of ids) {
    if (model.stopTokens.includes(id)) break;
    kept.push(id);
  }
  return decodeSaid(model, kept);
}
