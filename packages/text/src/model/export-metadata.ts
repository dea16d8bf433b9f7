import { stripsByName } from "../tokenizer/from-gguf.ts";
import { type GgufEntry, ggufTokenizerMetadata } from "../tokenizer/to-gguf.ts";
import { readTokenizerFiles, type TextSource } from "./source.ts";
import type { TextModel } from "./text-model.ts";

// A metadata value in the form that the engine's exportGguf takes.
export type ExportValue =
  | string
  | boolean
  | string[]
  | { type: "u32"; value: number }
  | { type: "i32[]"; value: Int32Array }
  | { type: "f32[]"; value: Float32Array };

function exportValue(entry: GgufEntry): ExportValue {
  switch (entry.type) {
    case "uint32":
      return { type: "u32", value: entry.value };
    case "float32[]":
      return { type: "f32[]", value: entry.value };
    case "int32[]":
      return { type: "i32[]", value: entry.value };
    default:
      return entry.value;
  }
}

// general.name of a GGUF file. llama.cpp tells by it whether control tokens take the white space after them along, so it
// must say "phi-3" where they do and must not where they do not.
export function ggufName(model: TextModel, name: string): string {
  if (model.tokenizer.stripsAfterControl) return stripsByName(name) ? name : `${name} (phi-3)`;
  return name.replace(/(phi)-?(?=3)/gi, "$1 ");
}

// llama.cpp ends an answer at three tokens that a file names (and at some that it knows by their text): the turn's own end first.
function endMetadata(source: TextSource, { tokenizer, stopTokens, endOfTurn }: TextModel): Record<string, ExportValue> {
  const { eosId } = tokenizer;
  const named = eosId ?? endOfTurn ?? stopTokens[0];
  if (named === undefined) return {};
  const others = [...(endOfTurn === null ? [] : [endOfTurn]), ...stopTokens].filter((id) => id !== named);
  const [eot, eom] = new Set(others);
  const entries: Record<string, ExportValue> = {};
  if (source.kind === "hf" || eosId === null) entries["tokenizer.ggml.eos_token_id"] = { type: "u32", value: named };
  if (eot !== undefined) entries["tokenizer.ggml.eot_token_id"] = { type: "u32", value: eot };
  if (eom !== undefined) entries["tokenizer.ggml.eom_token_id"] = { type: "u32", value: eom };
  // Ollama's own runner reads a list of them.
  if (eot !== undefined)
    entries["tokenizer.ggml.eos_token_ids"] = { type: "i32[]", value: Int32Array.from(new Set([named, ...others])) };
  return entries;
}

// Tokenizer and chat template for a GGUF file that serves what was trained. A GGUF base carries its own tokenizer keys
// along, so that only what may differ is given. Servers put BOS before a chat whenever add_bos_token is true, also
// before one that the template began with BOS already: it says what `model` does with a chat.
export function exportTextMetadata(
  source: TextSource,
  model: TextModel,
  options: { vocabularySize?: number } = {},
): Record<string, ExportValue> {
  const entries: Record<string, ExportValue> = {};
  if (source.kind === "hf") {
    const { json, config } = readTokenizerFiles(source.dir);
    for (const [key, entry] of Object.entries(ggufTokenizerMetadata(json, config, options)))
      entries[key] = exportValue(entry);
  }
  Object.assign(entries, endMetadata(source, model));
  entries["tokenizer.chat_template"] = model.templateSource;
  entries["tokenizer.ggml.add_bos_token"] = model.addsBos;
  return entries;
}
