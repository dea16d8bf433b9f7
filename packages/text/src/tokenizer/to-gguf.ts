import { say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import {
  type AddedTokenJson,
  checkTokenizerJson,
  specialsAround,
  splitMerge,
  type TokenizerConfig,
  type TokenizerJson,
  tokenName,
} from "./hf-json.ts";
import { pairTableOf } from "./hf-pairs.ts";
import { MergeModel } from "./merge-model.ts";
import { preNameOf } from "./pre-names.ts";
import { looksLikeControl, TokenType } from "./token-type.ts";

// One metadata entry of a GGUF file to be written, with the type llama.cpp expects of the key.
export type GgufEntry =
  | { type: "string"; value: string }
  | { type: "bool"; value: boolean }
  | { type: "uint32"; value: number }
  | { type: "string[]"; value: string[] }
  | { type: "float32[]"; value: Float32Array }
  | { type: "int32[]"; value: Int32Array };

export interface GgufExportOptions {
  // Rows of the embedding matrix: so many tokens are listed. Rows beyond the tokenizer's own are filled with unused tokens,
  // tokens beyond the rows are left out.
  vocabularySize?: number;
  chatTemplate?: string | null;
}

// tokenizer.ggml.* and tokenizer.chat_template for a Hugging Face tokenizer. Throws TextError where llama.cpp has no
// tokenizer of the kind.
export function ggufTokenizerMetadata(
  tokenizerJson: unknown,
  config: TokenizerConfig = {},
  options: GgufExportOptions = {},
): Record<string, GgufEntry> {
  const json = checkTokenizerJson(tokenizerJson);
  const pre = preNameOf(json.pre_tokenizer, json.model.ignore_merges ?? false, () => mergesReachAll(json));
  const isSentencePiece = pre === null && (json.model.byte_fallback ?? false);
  if (pre === null && !isSentencePiece)
    throw new TextError(
      "tokenizer.json pre_tokenizer",
      say`llama.cpp has no name for this way of splitting text`,
      say`Publish another base model, or export safetensors instead of GGUF.`,
    );
  checkNormalizer(json, isSentencePiece);
  const { tokens, types } = listTokens(json, options.vocabularySize ?? null, isSentencePiece);
  const merges = keptMerges(json, tokens.length);
  const entries: Record<string, GgufEntry> = {
    "tokenizer.ggml.model": { type: "string", value: isSentencePiece ? "llama" : "gpt2" },
    "tokenizer.ggml.pre": { type: "string", value: pre ?? "default" },
    "tokenizer.ggml.tokens": { type: "string[]", value: tokens },
    "tokenizer.ggml.token_type": { type: "int32[]", value: types },
  };
  if (isSentencePiece) {
    entries["tokenizer.ggml.scores"] = { type: "float32[]", value: scoresOf(merges, tokens) };
    entries["tokenizer.ggml.add_space_prefix"] = { type: "bool", value: prependsSpace(json) };
  } else {
    entries["tokenizer.ggml.merges"] = { type: "string[]", value: merges.map((pair) => pair.join(" ")) };
  }
  addSpecials(entries, json, config, tokens.length);
  const template = options.chatTemplate ?? (typeof config.chat_template === "string" ? config.chat_template : null);
  if (template) entries["tokenizer.chat_template"] = { type: "string", value: template };
  return entries;
}

// llama.cpp changes no text before it cuts it, but for the spaces of SentencePiece. Composing (NFC) is passed over, as
// converters do it: text is mostly composed already.
function checkNormalizer(json: TokenizerJson, isSentencePiece: boolean): void {
  const steps = normalizerSteps(json.normalizer);
  const other = steps.find(({ type, pattern, content, prepend }) => {
    if (type === "NFC") return false;
    if (type === "Replace") return !(isSentencePiece && pattern?.String === " " && content === "▁");
    return !(type === "Prepend" && isSentencePiece && prepend === "▁");
  });
  if (other)
    throw new TextError(
      "tokenizer.json normalizer",
      say`llama.cpp has nothing like ${JSON.stringify(other.type)} and would read text otherwise than the model was trained`,
      say`Publish another base model, or export safetensors instead of GGUF.`,
    );
}

type NormalizerStep = NonNullable<TokenizerJson["normalizer"]>;
const normalizerSteps = (json: TokenizerJson["normalizer"]): NormalizerStep[] =>
  !json ? [] : json.type === "Sequence" ? (json.normalizers ?? []).flatMap(normalizerSteps) : [json];

// Whether each token that text can become is what its own spelling merges to.
function mergesReachAll(json: TokenizerJson): boolean {
  const added = new Set(json.added_tokens?.map(({ content }) => content));
  const vocabulary = new Map(Object.entries(json.model.vocab));
  const model = new MergeModel({
    vocabulary,
    pairs: pairTableOf(json, vocabulary),
    byteLevel: false,
    ignoreMerges: false,
    unknownId: null,
    fuseUnknown: false,
    byteFallback: false,
  });
  for (const [token, id] of vocabulary) {
    if (added.has(token)) continue;
    const { ids } = model.encodeWord(token);
    if (ids.length !== 1 || ids[0] !== id) return false;
  }
  return true;
}

function addSpecials(
  entries: Record<string, GgufEntry>,
  json: TokenizerJson,
  config: TokenizerConfig,
  size: number,
): void {
  const idOf = (name: string | null) =>
    name === null ? null : (json.added_tokens?.find((t) => t.content === name)?.id ?? json.model.vocab[name] ?? null);
  const around = specialsAround(json.post_processor);
  const bos = idOf(tokenName(config.bos_token, "bos_token")) ?? around.prefix[0] ?? null;
  const eos = idOf(tokenName(config.eos_token, "eos_token")) ?? around.suffix[0] ?? null;
  const ids = {
    bos,
    eos,
    unknown: idOf(json.model.unk_token ?? tokenName(config.unk_token, "unk_token")),
    padding: idOf(tokenName(config.pad_token, "pad_token")),
  };
  for (const [name, id] of Object.entries(ids))
    if (id !== null && id < size) entries[`tokenizer.ggml.${name}_token_id`] = { type: "uint32", value: id };
  const addsBos = bos !== null && around.prefix.includes(bos);
  const addsEos = eos !== null && around.suffix.includes(eos);
  entries["tokenizer.ggml.add_bos_token"] = { type: "bool", value: addsBos };
  entries["tokenizer.ggml.add_eos_token"] = { type: "bool", value: addsEos };
}

function typeOfAdded(token: AddedTokenJson, isSentencePiece: boolean): number {
  if (token.special || looksLikeControl(token.content)) return TokenType.control;
  // A run of spaces arises by merging; as a user's token llama.cpp would print its "▁" as they are.
  if (isSentencePiece && /^▁+$/u.test(token.content)) return TokenType.normal;
  return TokenType.userDefined;
}

// Merges between tokens that are listed, to one that is.
function keptMerges(json: TokenizerJson, size: number): [string, string][] {
  const isListed = (token: string) => (json.model.vocab[token] ?? 0) < size;
  return json.model.merges
    .map((merge, i) => splitMerge(merge, i))
    .filter(([left, right]) => isListed(left) && isListed(right) && isListed(left + right));
}

function listTokens(json: TokenizerJson, rows: number | null, isSentencePiece: boolean) {
  const added = json.added_tokens ?? [];
  let own = 0;
  for (const token in json.model.vocab) own = Math.max(own, (json.model.vocab[token] as number) + 1);
  for (const { id } of added) own = Math.max(own, id + 1);
  const size = rows ?? own;
  const tokens = new Array<string>(size).fill("");
  const types = new Int32Array(size).fill(TokenType.unused);
  for (const token in json.model.vocab) {
    const id = json.model.vocab[token] as number;
    if (id >= size) continue;
    tokens[id] = token;
    types[id] = isSentencePiece && /^<0x[0-9A-F]{2}>$/.test(token) ? TokenType.byte : TokenType.normal;
  }
  for (const token of added) {
    if (token.id >= size) continue;
    tokens[token.id] = token.content;
    types[token.id] = typeOfAdded(token, isSentencePiece);
  }
  const unknown = json.model.unk_token;
  const unknownId = unknown == null ? undefined : json.model.vocab[unknown];
  if (isSentencePiece && unknownId !== undefined && unknownId < size) types[unknownId] = TokenType.unknown;
  nameUnused(tokens, types);
  return { tokens, types };
}

// llama.cpp keeps tokens by their text and ends where two have the same.
function nameUnused(tokens: string[], types: Int32Array): void {
  const places = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (types[id] === TokenType.unused) return;
    const other = places.get(token);
    if (other !== undefined)
      throw new TextError(
        "tokenizer.json",
        say`its tokens ${other} and ${id} are both ${JSON.stringify(token)}, which no GGUF can hold`,
        say`Use the tokenizer that the model's makers publish, or export safetensors instead of GGUF.`,
      );
    places.set(token, id);
  });
  for (let id = 0; id < tokens.length; id++) {
    if (types[id] !== TokenType.unused) continue;
    let name = `[PAD${id}]`;
    while (places.has(name)) name = `[${name}]`;
    places.set(name, id);
    tokens[id] = name;
  }
}

// llama.cpp puts the space in front of every text between control tokens. Where the original does so at the very
// beginning only, a chat (which begins with a control token) is read alike without it.
const prependsSpace = (json: TokenizerJson): boolean =>
  JSON.stringify(json.normalizer ?? null).includes('"Prepend"') ||
  (json.pre_tokenizer?.type === "Metaspace" &&
    (json.pre_tokenizer.prepend_scheme ?? (json.pre_tokenizer.add_prefix_space === false ? "never" : "always")) ===
      "always");

// SentencePiece joins by score, tokenizer.json by rank. Minus the place of a token's merges in the list is a score of
// the same order where the merges of each token stand together. Runs of one character (Gemma's newlines and spaces) are
// mixed among themselves; they share one score, and any order among them gives the same runs.
function scoresOf(merges: readonly [string, string][], tokens: readonly string[]): Float32Array {
  const places = new Map<string, { first: number; last: number }>();
  merges.forEach((merge, i) => {
    const made = merge.join("");
    const place = places.get(made);
    if (place) place.last = i;
    else places.set(made, { first: i, last: i });
  });
  const score = new Map<string, number>();
  let group = 0;
  let groupEnd = -1;
  let groupStart = "";
  for (const [token, { first, last }] of places) {
    if (first > groupEnd) {
      group++;
      groupStart = token;
    } else if (!isRun(token) || !isRun(groupStart))
      throw new TextError(
        `tokenizer.json model.merges[${first}]`,
        say`the merges of ${JSON.stringify(groupStart)} and ${JSON.stringify(token)} are mixed, so no SentencePiece score gives their order`,
        say`Export safetensors instead of GGUF.`,
      );
    groupEnd = Math.max(groupEnd, last);
    score.set(token, -group);
  }
  return Float32Array.from(tokens, (token) => score.get(token) ?? ([...token].length === 1 ? -group - 1 : 0));
}

function isRun(token: string): boolean {
  const [first] = token;
  return first !== undefined && token === first.repeat(token.length / first.length);
}
