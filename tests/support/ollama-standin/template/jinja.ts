import { Template } from "@huggingface/jinja";
import { type GgufFile, numberOf, textAt } from "../gguf/gguf-read.ts";
import type { Message } from "./chat-template.ts";

const plainChatml =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const tokenText = (file: GgufFile, key: string): string => {
  const id = numberOf(file.keys.get(`tokenizer.ggml.${key}_token_id`));
  const tokens = file.keys.get("tokenizer.ggml.tokens");
  const text = id !== null && Array.isArray(tokens) ? tokens[id] : undefined;
  return typeof text === "string" ? text : "";
};

export const addsBos = (file: GgufFile): boolean => file.keys.get("tokenizer.ggml.add_bos_token") === true;

// A conversation as llama-server renders it: a last assistant message stays open and is continued.
export function renderJinja(file: GgufFile, messages: Message[], tools: unknown): string {
  const template = new Template(textAt(file, "tokenizer.chat_template") || plainChatml);
  const last = messages.at(-1);
  const continued = last?.role === "assistant" ? last.content : null;
  const given = continued === null ? messages : messages.slice(0, -1);
  const bos = tokenText(file, "bos");
  let text = template.render({
    messages: given,
    tools: Array.isArray(tools) && tools.length > 0 ? tools : null,
    add_generation_prompt: true,
    bos_token: bos,
    eos_token: tokenText(file, "eos"),
  });
  if (addsBos(file) && bos !== "" && text.startsWith(bos)) text = text.slice(bos.length);
  return text + (continued ?? "");
}

// llama-server tries the template when it starts; one that cannot be used keeps the model from loading.
export function jinjaFault(file: GgufFile): string | null {
  const text = textAt(file, "tokenizer.chat_template");
  if (text === "") return null;
  try {
    renderJinja(file, [{ role: "user", content: "x" }], null);
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    if (unclosed(text)) return "parser: Parser Error: Expected }} (Got )\nerror: std::exception";
    return `Unable to generate parser for this template. Automatic parser generation failed:\nError: Jinja Exception: ${said}`;
  }
}

const unclosed = (text: string): boolean => text.lastIndexOf("{{") > text.lastIndexOf("}}");
