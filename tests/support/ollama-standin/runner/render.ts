import { ReplyError, textOf } from "../faulty.ts";
import type { Json } from "../go/go-json.ts";
import type { Message } from "../template/chat-template.ts";
import { renderJinja } from "../template/jinja.ts";
import type { Asked } from "./answer.ts";
import { tokenize } from "./tokens.ts";

const builtIn = new Set([
  "qwen3-coder",
  "qwen3-vl-instruct",
  "qwen3-vl-thinking",
  "harmony",
  "deepseek3.1",
  "olmo3",
  "cogito",
]);

function renderOnce({ model }: Asked, messages: Message[], tools: Json): string {
  if (model.config.renderer) {
    if (!builtIn.has(model.config.renderer))
      throw new ReplyError(500, `unknown renderer ${JSON.stringify(model.config.renderer)}`);
    throw new ReplyError(500, `this stand-in has no renderer ${JSON.stringify(model.config.renderer)}`);
  }
  try {
    return model.rendersItself ? model.template.render({ messages, tools }) : renderJinja(model.gguf, messages, tools);
  } catch (error) {
    throw error instanceof ReplyError ? error : new ReplyError(500, textOf(error));
  }
}

// Drops whole messages from the front until the prompt fits; system messages and the last message always stay.
export function renderChat(asked: Asked, messages: Message[], tools: Json, truncate: boolean): string {
  const last = messages.length - 1;
  for (let from = 0; truncate && from <= last; from += 1) {
    const system = messages.slice(0, from).filter(({ role }) => role === "system");
    const prompt = renderOnce(asked, [...system, ...messages.slice(from)], tools);
    if (from === last || tokenize(asked.model.gguf, prompt).length <= asked.runner.contextLength) return prompt;
  }
  return renderOnce(asked, messages, tools);
}
