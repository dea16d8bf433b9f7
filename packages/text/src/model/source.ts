import { readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import { type GgufMetadata, tokenizerFromGguf } from "../tokenizer/from-gguf.ts";
import { tokenizerFromHuggingFace } from "../tokenizer/from-hf.ts";
import { type TokenizerConfig, tokenName } from "../tokenizer/hf-json.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

export type TextSource = { kind: "gguf"; metadata: GgufMetadata } | { kind: "hf"; dir: string };

// What the files of a model say about its text, before anything is decided.
export interface SourceParts {
  tokenizer: Tokenizer;
  templateSource: string | null;
  specialTokens: Readonly<Record<string, string>>;
  endIds: readonly number[]; // tokens that end an answer, as the files name them
}

const fileLimit = 512 << 20;

// Absent: null. Throws TextError for a file that is too big or no JSON.
function readText(dir: string, name: string): string | null {
  const path = join(dir, name);
  const stats = statsOf(path, name);
  if (!stats) return null;
  if (!stats.isFile()) throw new TextError(name, say`is no regular file`, say`Fetch the file again.`);
  if (stats.size > fileLimit)
    throw new TextError(name, say`has ${stats.size} bytes; at most ${fileLimit} are read`, say`Use the original file.`);
  return readFileSync(path, "utf8");
}

function statsOf(path: string, name: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new TextError(name, say`cannot be opened: ${why}`, say`Fetch the file again.`, { cause });
  }
}

export function readJson(dir: string, name: string): unknown {
  const text = readText(dir, name);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TextError(name, say`is not JSON`, say`Fetch the file again.`, { cause });
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function readTokenizerFiles(dir: string): { json: unknown; config: TokenizerConfig } {
  const json = readJson(dir, "tokenizer.json");
  if (json === null)
    throw new TextError(
      "tokenizer.json",
      say`is missing in the model's folder`,
      say`Save the tokenizer into the folder with save_pretrained of a fast tokenizer.`,
    );
  const config = readJson(dir, "tokenizer_config.json");
  if (config !== null && !isObject(config))
    throw new TextError("tokenizer_config.json", say`is not a JSON object`, say`Fetch the file again.`);
  return { json, config: config ?? {} };
}

function templateOf(dir: string, config: TokenizerConfig): string | null {
  const file = readText(dir, "chat_template.jinja");
  if (file !== null) return file;
  const own = config.chat_template;
  if (typeof own === "string") return own;
  if (Array.isArray(own)) {
    const chosen = own.find((entry) => entry.name === "default") ?? own[0];
    if (typeof chosen?.template === "string") return chosen.template;
  }
  const separate = readJson(dir, "chat_template.json");
  return isObject(separate) && typeof separate.chat_template === "string" ? separate.chat_template : null;
}

function idsIn(value: unknown): number[] {
  const listed = Array.isArray(value) ? value : [value];
  return listed.filter((id): id is number => Number.isInteger(id));
}

// A model of several modalities says what is the text's under text_config.
const partsOf = (settings: unknown): Record<string, unknown>[] =>
  isObject(settings) ? [settings, ...(isObject(settings.text_config) ? [settings.text_config] : [])] : [];

/** A token id that config.json or generation_config.json names, such as "pad_token_id". */
export function configuredId(dir: string, key: string): number | null {
  for (const name of ["generation_config.json", "config.json"])
    for (const part of partsOf(readJson(dir, name))) {
      const [id] = idsIn(part[key]);
      if (id !== undefined && id >= 0) return id;
    }
  return null;
}

function fromFolder(dir: string): SourceParts {
  const { json, config } = readTokenizerFiles(dir);
  const tokenizer = tokenizerFromHuggingFace(json, config);
  const specialTokens: Record<string, string> = {};
  for (const key of ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]) {
    const name = tokenName(config[key] as TokenizerConfig["bos_token"], key);
    if (name !== null) specialTokens[key] = name;
  }
  const endIds: number[] = [];
  for (const name of ["generation_config.json", "config.json"]) {
    const settings = readJson(dir, name);
    for (const part of partsOf(settings)) endIds.push(...idsIn(part.eos_token_id));
  }
  return { tokenizer, templateSource: templateOf(dir, config), specialTokens, endIds };
}

function fromGguf(metadata: GgufMetadata): SourceParts {
  const tokenizer = tokenizerFromGguf(metadata);
  const specialTokens: Record<string, string> = {};
  const named = { bos: tokenizer.bosId, eos: tokenizer.eosId, unk: tokenizer.unknownId, pad: tokenizer.padId };
  for (const [name, id] of Object.entries(named))
    if (id !== null) specialTokens[`${name}_token`] = tokenizer.tokenText(id);
  const endIds = ["eot", "eom"].flatMap((name) => {
    const id = metadata[`tokenizer.ggml.${name}_token_id`];
    return idsIn(typeof id === "bigint" ? Number(id) : id);
  });
  const template = metadata["tokenizer.chat_template"];
  return { tokenizer, templateSource: typeof template === "string" ? template : null, specialTokens, endIds };
}

export const readSource = (source: TextSource): SourceParts =>
  source.kind === "gguf" ? fromGguf(source.metadata) : fromFolder(source.dir);
