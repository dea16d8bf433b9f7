import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadOptions, loadTextModel, type TextModel } from "../model/text-model.ts";
import { byteToChar } from "../tokenizer/byte-alphabet.ts";

// For tests: a tokenizer of single bytes and a few control tokens, so that token borders are those of the text.
export const controls = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"];

export function byteTokenizerJson(special: readonly string[] = controls, addsBos = false) {
  const vocab: Record<string, number> = {};
  for (let byte = 0; byte < 256; byte++) vocab[byteToChar[byte] as string] = byte;
  const added = special.map((content, i) => ({ id: 256 + i, content, special: true, normalized: false }));
  return {
    added_tokens: added,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    post_processor: addsBos
      ? {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "<s>" } }, { Sequence: { id: "A" } }],
          special_tokens: { "<s>": { ids: [256] } },
        }
      : null,
    model: { type: "BPE", vocab, merges: [] as string[] },
  };
}

export interface ByteModelOptions extends LoadOptions {
  special?: readonly string[];
  addsBos?: boolean;
  chatTemplate?: string;
  eos?: string;
  files?: Record<string, unknown>; // further JSON files of the folder
}

// Writes a model's folder, loads it, and removes it again.
export function byteModel(options: ByteModelOptions = {}): TextModel {
  const dir = mkdtempSync(join(tmpdir(), "anneal-text-"));
  try {
    const put = (name: string, value: unknown) => writeFileSync(join(dir, name), JSON.stringify(value));
    put("tokenizer.json", byteTokenizerJson(options.special, options.addsBos));
    put("tokenizer_config.json", {
      bos_token: "<s>",
      eos_token: options.eos ?? "</s>",
      ...(options.chatTemplate === undefined ? {} : { chat_template: options.chatTemplate }),
    });
    for (const [name, value] of Object.entries(options.files ?? {})) put(name, value);
    return loadTextModel({ kind: "hf", dir }, options);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
