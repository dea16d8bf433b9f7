import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TrainerBase } from "@anneal/contracts";
import type { GgufValue } from "@anneal/engine";
import { type GgufEntry, ggufTokenizerMetadata, type TokenizerConfig } from "@anneal/text";

function valueOf(entry: GgufEntry): GgufValue {
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

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/**
 * Keys that the engine does not know by itself. A GGUF base carries its tokenizer and template along; a Hugging Face folder
 * has them as JSON, turned into what llama.cpp reads.
 */
export function ggufMetadata(base: TrainerBase, modelName: string, vocabularySize: number): Record<string, GgufValue> {
  const general: Record<string, GgufValue> = { "general.name": modelName, "general.finetune": "anneal" };
  if (base.kind === "gguf") return general;
  const configPath = join(base.dir, "tokenizer_config.json");
  const config = (existsSync(configPath) ? readJson(configPath) : {}) as TokenizerConfig;
  const templatePath = join(base.dir, "chat_template.jinja");
  const chatTemplate = existsSync(templatePath) ? readFileSync(templatePath, "utf8") : null;
  const entries = ggufTokenizerMetadata(readJson(join(base.dir, "tokenizer.json")), config, {
    vocabularySize,
    chatTemplate,
  });
  for (const [key, entry] of Object.entries(entries)) general[key] = valueOf(entry);
  return general;
}
