import { huggingFaceTokenizer } from "../tokenizer/to-hf.ts";
import { configuredId, readTokenizerFiles, type TextSource } from "./source.ts";
import type { TextModel } from "./text-model.ts";

// What a folder of weights holds beside them, so that the next program writes and reads text as it was trained.

const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * Tokenizer and chat template as files by name. From a folder its tokenizer.json and the like are copied by the caller; here are those
 * that must differ: the template that was trained, and a configuration without another one.
 */
export function textFiles(source: TextSource, model: TextModel): Record<string, string> {
  const { json, config } =
    source.kind === "hf"
      ? { json: null, config: readTokenizerFiles(source.dir).config }
      : huggingFaceTokenizer(source.metadata);
  const { chat_template: _, ...rest } = config;
  return {
    ...(json === null ? {} : { "tokenizer.json": JSON.stringify(json) }),
    // Without a class a folder that holds no model's configuration cannot be loaded.
    "tokenizer_config.json": asJson({ tokenizer_class: "PreTrainedTokenizerFast", ...rest }),
    "chat_template.jinja": model.templateSource,
  };
}

/** What config.json and generation_config.json say of a text's beginning, filling and ends. */
export function generationIds(source: TextSource, model: TextModel): Record<string, number | number[]> {
  const { tokenizer, stopTokens } = model;
  const said = (key: string) => (source.kind === "hf" ? configuredId(source.dir, key) : null);
  const bos = said("bos_token_id") ?? tokenizer.bosId;
  const pad = said("pad_token_id") ?? tokenizer.padId;
  const [only] = stopTokens;
  return {
    ...(bos === null ? {} : { bos_token_id: bos }),
    ...(pad === null ? {} : { pad_token_id: pad }),
    ...(only === undefined ? {} : { eos_token_id: stopTokens.length === 1 ? only : [...stopTokens] }),
  };
}
