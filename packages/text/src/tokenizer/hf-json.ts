import { type Phrase, say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";

// The parts of a Hugging Face tokenizer.json and tokenizer_config.json that are read here.
export interface AddedTokenJson {
  id: number;
  content: string;
  special?: boolean;
  normalized?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  single_word?: boolean;
}
export interface TokenizerJson {
  added_tokens?: AddedTokenJson[];
  normalizer?: Parameters<typeof import("./normalizer.ts")["normalizerFromJson"]>[0];
  pre_tokenizer?: PreTokenizerJson | null;
  post_processor?: PostProcessorJson | null;
  decoder?: Parameters<typeof import("./decoder.ts")["decoderFromJson"]>[0];
  model: BpeJson;
}
export type SplitBehavior = "Isolated" | "Removed" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";
export interface PreTokenizerJson {
  type: string;
  pretokenizers?: PreTokenizerJson[];
  pattern?: { String?: string; Regex?: string } | string;
  behavior?: SplitBehavior;
  invert?: boolean;
  add_prefix_space?: boolean;
  use_regex?: boolean;
  individual_digits?: boolean;
  replacement?: string;
  prepend_scheme?: "always" | "first" | "never";
  split?: boolean;
}
export interface BpeJson {
  type?: string;
  vocab: Record<string, number>;
  merges: (string | [string, string])[];
  unk_token?: string | null;
  fuse_unk?: boolean;
  byte_fallback?: boolean;
  ignore_merges?: boolean;
  continuing_subword_prefix?: string | null;
  end_of_word_suffix?: string | null;
}
type TemplatePiece = { SpecialToken?: { id: string }; Sequence?: { id: string } };
export interface PostProcessorJson {
  type: string;
  processors?: PostProcessorJson[];
  single?: TemplatePiece[];
  special_tokens?: Record<string, { ids: number[] }>;
  cls?: [string, number];
  sep?: [string, number];
}
type TokenName = string | { content: string } | null | undefined;
export interface TokenizerConfig {
  bos_token?: TokenName;
  eos_token?: TokenName;
  pad_token?: TokenName;
  unk_token?: TokenName;
  add_bos_token?: boolean;
  add_eos_token?: boolean;
  chat_template?: string | { name: string; template: string }[] | null;
  [other: string]: unknown;
}

// Throws TextError for what is no name of a token.
export function tokenName(name: TokenName, key: string): string | null {
  if (name == null) return null;
  const text = typeof name === "object" && !Array.isArray(name) ? name.content : name;
  if (typeof text === "string") return text;
  return refuse(`tokenizer_config.json ${key}`, say`is ${shown(name)}, not a text`);
}

const vocabularyLimit = 4_000_000;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(field: string, message: Phrase): never {
  throw new TextError(field, message, say`Save the tokenizer again with a current version of its library.`);
}

/** A flag that is absent, null, true or false; anything else would be taken for true or false in silence. */
export function checkFlag(holder: Readonly<Record<string, unknown>>, flag: string, field: string): void {
  const value = holder[flag];
  if (value != null && typeof value !== "boolean")
    refuse(`${field}.${flag}`, say`is ${shown(value)}, neither true nor false`);
}

// Checks what the rest relies on. Throws TextError that names the field.
export function checkTokenizerJson(value: unknown): TokenizerJson {
  if (!isObject(value)) refuse("tokenizer.json", say`is not a JSON object`);
  const { model } = value;
  if (!isObject(model)) refuse("tokenizer.json model", say`is missing`);
  if (model.type !== undefined && model.type !== "BPE")
    throw new TextError(
      "tokenizer.json model.type",
      say`${shown(model.type)} is not supported`,
      say`Use a model with a BPE tokenizer (Llama, Qwen, Gemma, DeepSeek, Phi, SmolLM).`,
    );
  if (!isObject(model.vocab)) refuse("tokenizer.json model.vocab", say`is missing`);
  const taken = new Set<number>();
  for (const token in model.vocab) {
    const id = model.vocab[token];
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= vocabularyLimit)
      refuse("tokenizer.json model.vocab", say`${shown(token)} has the id ${shown(id)}`);
    if (taken.has(id)) refuse("tokenizer.json model.vocab", say`gives the id ${id} twice, once to ${shown(token)}`);
    taken.add(id);
  }
  if (taken.size === 0) refuse("tokenizer.json model.vocab", say`is empty`);
  for (const flag of ["fuse_unk", "byte_fallback", "ignore_merges"]) checkFlag(model, flag, "tokenizer.json model");
  if (model.dropout != null && model.dropout !== 0)
    refuse(
      "tokenizer.json model.dropout",
      say`is ${shown(model.dropout)}: merges left out at random are not supported`,
    );
  if (model.unk_token != null && typeof model.unk_token !== "string")
    refuse("tokenizer.json model.unk_token", say`is ${shown(model.unk_token)}, not a text`);
  for (const part of ["normalizer", "pre_tokenizer", "post_processor", "decoder"])
    if (value[part] != null && !isObject(value[part]))
      refuse(`tokenizer.json ${part}`, say`is ${shown(value[part])}, not an object`);
  if (!Array.isArray(model.merges)) refuse("tokenizer.json model.merges", say`is missing`);
  for (const affix of ["continuing_subword_prefix", "end_of_word_suffix"] as const)
    if (model[affix])
      throw new TextError(
        `tokenizer.json model.${affix}`,
        say`is not supported`,
        say`Use a byte-level or SentencePiece-style tokenizer.`,
      );
  const added = value.added_tokens ?? [];
  if (!Array.isArray(added)) refuse("tokenizer.json added_tokens", say`is not a list`);
  added.forEach((token: unknown, i) => {
    if (!isObject(token) || typeof token.content !== "string" || !Number.isInteger(token.id))
      refuse(`tokenizer.json added_tokens[${i}]`, say`has no id or content`);
    if ((token.id as number) < 0 || (token.id as number) >= vocabularyLimit)
      refuse(`tokenizer.json added_tokens[${i}]`, say`has the id ${shown(token.id)}`);
    for (const flag of ["special", "normalized", "lstrip", "rstrip", "single_word"])
      checkFlag(token, flag, `tokenizer.json added_tokens[${i}]`);
  });
  return value as unknown as TokenizerJson;
}

// Ids that the tokenizer itself puts before and after one text.
export function specialsAround(json: PostProcessorJson | null | undefined): { prefix: number[]; suffix: number[] } {
  const around = { prefix: [] as number[], suffix: [] as number[] };
  const field = "tokenizer.json post_processor";
  if (!json || json.type === "ByteLevel") return around; // ByteLevel's moves offsets, no tokens
  if (json.type === "Sequence") {
    for (const part of json.processors ?? []) {
      const inner = specialsAround(part);
      around.prefix.unshift(...inner.prefix);
      around.suffix.push(...inner.suffix);
    }
  } else if (json.type === "TemplateProcessing") {
    let seen = false;
    for (const piece of json.single ?? []) {
      if (piece.Sequence) seen = true;
      else if (piece.SpecialToken) {
        const ids = json.special_tokens?.[piece.SpecialToken.id]?.ids;
        if (!ids) refuse(field, say`does not define ${piece.SpecialToken.id}`);
        for (const id of ids) (seen ? around.suffix : around.prefix).push(checkedId(id, field));
      } else refuse(field, say`has a piece of an unknown kind in its template`);
    }
  } else if (json.type === "BertProcessing" || json.type === "RobertaProcessing") {
    if (json.cls) around.prefix.push(checkedId(json.cls[1], field));
    if (json.sep) around.suffix.push(checkedId(json.sep[1], field));
  } else
    throw new TextError(
      field,
      say`the kind ${shown(json.type)} is not supported`,
      say`Use a model whose tokenizer puts tokens around a text by a template, or none.`,
    );
  return around;
}

function checkedId(id: unknown, field: string): number {
  if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabularyLimit) return id;
  return refuse(field, say`has the id ${shown(id)}`);
}

export function splitMerge(merge: string | [string, string], index: number): [string, string] {
  if (typeof merge !== "string") {
    if (Array.isArray(merge) && typeof merge[0] === "string" && typeof merge[1] === "string") return merge;
    refuse(`tokenizer.json model.merges[${index}]`, say`is not a pair of tokens`);
  }
  const space = merge.indexOf(" ");
  if (space < 0 || merge.indexOf(" ", space + 1) >= 0)
    refuse(`tokenizer.json model.merges[${index}]`, say`${shown(merge)} is not a pair of tokens`);
  return [merge.slice(0, space), merge.slice(space + 1)];
}
