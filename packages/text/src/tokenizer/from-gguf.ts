import { type Phrase, say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";
import type { AddedToken } from "./added-tokens.ts";
import { byteLevelDecoder, sentencePieceDecoder } from "./decoder.ts";
import { MergeModel } from "./merge-model.ts";
import { prepend, replace, sequence, unicodeForm } from "./normalizer.ts";
import { PairTable } from "./pair-table.ts";
import { preKind, preNames } from "./pre-names.ts";
import { sequence as preSequence, split } from "./pre-tokenizer.ts";
import { compileOniguruma } from "./regex.ts";
import { TokenType } from "./token-type.ts";
import { Tokenizer, type TokenizerParts } from "./tokenizer.ts";
import { wordBorders } from "./word-borders.ts";

// GGUF metadata by full key ("tokenizer.ggml.tokens"), as a GGUF reader gives it.
export type GgufMetadata = Readonly<Record<string, unknown>>;

export interface GgufTokenizerOptions {
  // Qwen's own tokenizer composes characters (NFC) first, llama.cpp does not. Default: true, as the model was trained.
  composes?: boolean;
}

const prefix = "tokenizer.ggml.";
const tokenLimit = 4_000_000;

function refuse(key: string, message: Phrase): never {
  throw new TextError(`${prefix}${key}`, message, say`Convert the model to GGUF again with a current converter.`);
}

export function strings(metadata: GgufMetadata, key: string): string[] {
  const value = metadata[prefix + key];
  if (!Array.isArray(value)) refuse(key, say`is missing`);
  if (value.length > tokenLimit) refuse(key, say`has ${value.length} entries; at most ${tokenLimit} are read`);
  if (!value.every((entry) => typeof entry === "string")) refuse(key, say`is not a list of strings`);
  return value;
}

export function numbers(metadata: GgufMetadata, key: string, length: number): ArrayLike<number> | null {
  const value = metadata[prefix + key];
  if (value === undefined) return null;
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (!isList) refuse(key, say`is not a list of numbers`);
  const list = value as ArrayLike<number>;
  if (list.length < length) refuse(key, say`has ${list.length} entries for ${length} tokens`);
  return list;
}

export const flag = (metadata: GgufMetadata, key: string): boolean | null => {
  const value = metadata[prefix + key];
  return typeof value === "boolean" ? value : null;
};

function tokenIdAt(metadata: GgufMetadata, key: string, size: number): number | null {
  const value = metadata[`${prefix}${key}_token_id`];
  if (value === undefined) return null;
  const id = typeof value === "bigint" ? Number(value) : value;
  if (typeof id !== "number" || !Number.isInteger(id)) refuse(`${key}_token_id`, say`is not a whole number`);
  if (id >= 0 && id < size) return id;
  if (id === -1 || id === 0xffffffff) return null; // llama.cpp's own "none"
  // Converters write ids of tokens that are not there; a model goes on without any of them but the one that ends its text.
  if (key === "eos") refuse(`${key}_token_id`, say`is ${id}, of ${size} tokens`);
  return null;
}

function typesOf(metadata: GgufMetadata, count: number): Uint8Array {
  const types = new Uint8Array(count).fill(TokenType.normal);
  const listed = numbers(metadata, "token_type", count);
  for (let id = 0; listed && id < count; id++) {
    const type = Number(listed[id]);
    if (!Number.isInteger(type) || type < 0 || type > TokenType.byte)
      refuse("token_type", say`token ${id} has the type ${shown(listed[id])}; 0 to ${TokenType.byte} are known`);
    types[id] = type;
  }
  return types;
}

// From the metadata of a GGUF file. Throws TextError that names the key.
export function tokenizerFromGguf(metadata: GgufMetadata, options: GgufTokenizerOptions = {}): Tokenizer {
  const { model, shared } = readShared(metadata);
  return new Tokenizer(model === "gpt2" ? byteLevel(metadata, shared, options) : sentencePiece(metadata, shared));
}

// What both kinds of tokenizer hold.
export function readShared(metadata: GgufMetadata): { model: "gpt2" | "llama"; shared: Shared } {
  const model = metadata[`${prefix}model`];
  if (model !== "gpt2" && model !== "llama")
    throw new TextError(
      `${prefix}model`,
      model === undefined ? say`is missing` : say`${shown(model)} is not supported`,
      say`Use a GGUF file with a BPE (gpt2) or SentencePiece (llama) tokenizer.`,
    );
  const tokens = strings(metadata, "tokens");
  if (tokens.length === 0) refuse("tokens", say`is empty`);
  const types = typesOf(metadata, tokens.length);
  // llama.cpp reads what ends a text as a control token, whatever the file calls it.
  for (let id = 0; id < tokens.length; id++)
    if (types[id] === TokenType.userDefined && endsOfText.has(tokens[id] as string)) types[id] = TokenType.control;
  const shared: Shared = {
    tokens,
    types,
    added: addedTokens(tokens, types, stripsByName(metadata["general.name"])),
    bosId: tokenIdAt(metadata, "bos", tokens.length),
    eosId: tokenIdAt(metadata, "eos", tokens.length),
    padId: tokenIdAt(metadata, "padding", tokens.length),
    unknownId: tokenIdAt(metadata, "unknown", tokens.length),
  };
  return { model, shared };
}

export type Shared = Pick<TokenizerParts, "tokens" | "types" | "added" | "bosId" | "eosId" | "padId" | "unknownId">;

// Control and unknown tokens only where control text is parsed; those a user defined always, as llama.cpp does.
const endsOfText = new Set("</s> <eos> <EOT> [EOT] [EOS] <end_of_turn> <end_of_utterance>".split(" "));

// A GGUF cannot say that control tokens take the white space after them along. llama.cpp goes by the model's name.
export const stripsByName = (name: unknown): boolean => typeof name === "string" && /phi-?3/i.test(name);
const neverStrips = new Set(["<unk>", "<s>", "<|endoftext|>"]);

function addedTokens(tokens: readonly string[], types: Uint8Array, strips: boolean): AddedToken[] {
  const added: AddedToken[] = [];
  tokens.forEach((content, id) => {
    const type = types[id];
    if (type !== TokenType.control && type !== TokenType.userDefined && type !== TokenType.unknown) return;
    const special = type !== TokenType.userDefined;
    const rightStrip = strips && !neverStrips.has(content);
    added.push({ id, content, special, normalized: false, leftStrip: false, rightStrip, singleWord: false });
  });
  return added;
}

// What text can become by merging: never a control token, whatever it spells.
function mergeVocabulary(tokens: readonly string[], types: Uint8Array): Map<string, number> {
  const vocabulary = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (types[id] === TokenType.control || types[id] === TokenType.unknown) return;
    if (!vocabulary.has(token)) vocabulary.set(token, id);
  });
  return vocabulary;
}

export function around(metadata: GgufMetadata, shared: Shared, addsBosByDefault: boolean) {
  const addsBos = flag(metadata, "add_bos_token") ?? addsBosByDefault;
  const addsEos = flag(metadata, "add_eos_token") ?? false;
  return {
    prefixIds: addsBos && shared.bosId !== null ? [shared.bosId] : [],
    suffixIds: addsEos && shared.eosId !== null ? [shared.eosId] : [],
  };
}

function byteLevel(metadata: GgufMetadata, shared: Shared, options: GgufTokenizerOptions): TokenizerParts {
  const name = metadata[`${prefix}pre`] ?? "default";
  const kind = typeof name === "string" ? preKind(name) : null;
  if (!kind)
    throw new TextError(
      `${prefix}pre`,
      say`${shown(name)} is not known`,
      say`Use a model of one of these kinds: ${preNames.join(", ")}.`,
    );
  const merges = strings(metadata, "merges");
  const vocabulary = mergeVocabulary(shared.tokens, shared.types);
  const pairs = new PairTable(merges.length);
  merges.forEach((merge, rank) => {
    const space = merge.indexOf(" ", 1);
    const left = vocabulary.get(merge.slice(0, space));
    const right = vocabulary.get(merge.slice(space + 1));
    const merged = space < 0 ? undefined : vocabulary.get(merge.slice(0, space) + merge.slice(space + 1));
    if (left === undefined || right === undefined || merged === undefined)
      refuse("merges", say`entry ${rank} (${JSON.stringify(merge.slice(0, 60))}) does not join two tokens to a third`);
    pairs.set(left, right, rank, merged);
  });
  return {
    ...shared,
    model: new MergeModel({
      vocabulary,
      pairs,
      byteLevel: true,
      ignoreMerges: kind.ignoreMerges ?? false,
      unknownId: null,
      fuseUnknown: false,
      byteFallback: false,
    }),
    normalizer: sequence(kind.composes && (options.composes ?? true) ? [unicodeForm("NFC")] : []),
    preTokenizer: preSequence(
      kind.patterns.map((pattern) => split(compileOniguruma(pattern, `${prefix}pre`), "Isolated")),
    ),
    decoder: byteLevelDecoder,
    ...around(metadata, shared, kind.addsBos ?? false),
  };
}

// SentencePiece's BPE: of all neighbours whose union is a token, the union of highest score is joined first. The
// unions are worked out once, so that joining is the same table look-up as for merges.
function sentencePiece(metadata: GgufMetadata, shared: Shared): TokenizerParts {
  const { tokens, types } = shared;
  const scores = numbers(metadata, "scores", tokens.length);
  if (!scores) refuse("scores", say`is missing`);
  for (let id = 0; id < tokens.length; id++)
    if (typeof scores[id] !== "number" || Number.isNaN(scores[id]))
      refuse("scores", say`token ${id} has the score ${shown(scores[id])}`);
  const vocabulary = mergeVocabulary(tokens, types);
  const targets: { id: number; text: string; score: number }[] = [];
  for (const [text, id] of vocabulary)
    if (types[id] !== TokenType.byte) targets.push({ id, text, score: Number(scores[id]) });
  targets.sort((a, b) => b.score - a.score);
  const pseudo = new Map<string, number>();
  const symbolId = (text: string): number | undefined => {
    const id = vocabulary.get(text);
    if (id !== undefined) return id;
    if (text.length > 2 || [...text].length !== 1) return undefined;
    let made = pseudo.get(text);
    if (made === undefined) {
      made = tokens.length + pseudo.size;
      pseudo.set(text, made);
    }
    return made;
  };
  const joins: [number, number, number, number][] = [];
  let rank = -1;
  let lastScore = Number.NaN;
  for (const { id, text, score } of targets) {
    if (score !== lastScore) rank++;
    lastScore = score;
    for (let at = 1; at < text.length; at++) {
      if (isLowSurrogate(text.charCodeAt(at))) continue;
      const left = symbolId(text.slice(0, at));
      if (left === undefined) continue;
      const right = symbolId(text.slice(at));
      if (right !== undefined) joins.push([left, right, rank, id]);
    }
  }
  const pairs = new PairTable(joins.length);
  for (const [left, right, order, id] of joins) pairs.set(left, right, order, id);
  const spacePrefix = flag(metadata, "add_space_prefix") ?? true;
  const escapeSpaces = replace(/ /gu, "▁");
  return {
    ...shared,
    model: new MergeModel({
      vocabulary,
      pairs,
      byteLevel: false,
      ignoreMerges: false,
      unknownId: shared.unknownId,
      fuseUnknown: true,
      byteFallback: true,
      pseudoSymbols: { from: tokens.length, ids: pseudo },
    }),
    normalizer: spacePrefix ? sequence([prepend(" "), escapeSpaces]) : escapeSpaces,
    preTokenizer: wordBorders((pieces) => pieces, tokens),
    decoder: sentencePieceDecoder(spacePrefix),
    ...around(metadata, shared, true),
  };
}

const isLowSurrogate = (code: number) => code >= 0xdc00 && code <= 0xdfff;
