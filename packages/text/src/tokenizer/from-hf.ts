import { say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";
import type { AddedToken } from "./added-tokens.ts";
import { decoderFromJson } from "./decoder.ts";
import { checkTokenizerJson, specialsAround, type TokenizerConfig, type TokenizerJson, tokenName } from "./hf-json.ts";
import { pairTableOf } from "./hf-pairs.ts";
import { MergeModel } from "./merge-model.ts";
import { normalizerFromJson } from "./normalizer.ts";
import { preTokenizerFromJson } from "./pre-tokenizer.ts";
import { looksLikeControl, TokenType } from "./token-type.ts";
import { Tokenizer } from "./tokenizer.ts";
import { wordBorders } from "./word-borders.ts";

// From the parsed tokenizer.json and tokenizer_config.json of a Hugging Face folder. Throws TextError.
export function tokenizerFromHuggingFace(tokenizerJson: unknown, config: TokenizerConfig = {}): Tokenizer {
  const json = checkTokenizerJson(tokenizerJson);
  try {
    return build(json, config);
  } catch (error) {
    // A part of another kind than the format has (a number for a list, say) shows as one of these two.
    if (error instanceof TypeError || error instanceof RangeError)
      throw new TextError(
        "tokenizer.json",
        say`has a part of another kind than expected (${error.message})`,
        say`Save the tokenizer again with a current version of its library.`,
        { cause: error },
      );
    throw error;
  }
}

function build(json: TokenizerJson, config: TokenizerConfig): Tokenizer {
  const vocabulary = new Map(Object.entries(json.model.vocab));
  const { tokens, types } = listTokens(json, vocabulary);
  const { preTokenizer, byteLevel } = preTokenizerFromJson(json.pre_tokenizer);
  const pairs = pairTableOf(json, vocabulary);
  const unknownName = json.model.unk_token ?? null;
  const unknownId = unknownName === null ? null : (vocabulary.get(unknownName) ?? null);
  const idOfName = (name: string | null) => {
    if (name === null) return null;
    const id = json.added_tokens?.find((token) => token.content === name)?.id ?? vocabulary.get(name);
    return id ?? null;
  };
  const around = specialsAround(json.post_processor);
  const named = (key: "bos_token" | "eos_token") => {
    const name = tokenName(config[key], key);
    const id = idOfName(name);
    if (name !== null && id === null)
      throw new TextError(
        `tokenizer_config.json ${key}`,
        say`names ${shown(name)}, which is no token`,
        say`Name a token of tokenizer.json, or take the original files of the model.`,
      );
    return id;
  };
  return new Tokenizer({
    tokens,
    types,
    model: new MergeModel({
      vocabulary,
      pairs,
      byteLevel,
      ignoreMerges: json.model.ignore_merges ?? false,
      unknownId,
      fuseUnknown: json.model.fuse_unk ?? false,
      byteFallback: json.model.byte_fallback ?? false,
    }),
    normalizer: normalizerFromJson(json.normalizer),
    // Without a pre-tokenizer a whole line is one word: cut it where no merge can reach across.
    preTokenizer: byteLevel ? preTokenizer : wordBorders(preTokenizer, tokens),
    added: (json.added_tokens ?? []).map(
      (token): AddedToken => ({
        id: token.id,
        content: token.content,
        special: token.special ?? false,
        normalized: token.normalized ?? !token.special,
        leftStrip: token.lstrip ?? false,
        rightStrip: token.rstrip ?? false,
        singleWord: token.single_word ?? false,
      }),
    ),
    decoder: decoderFromJson(json.decoder),
    prefixIds: around.prefix,
    suffixIds: around.suffix,
    bosId: named("bos_token"),
    eosId: named("eos_token"),
    padId: idOfName(tokenName(config.pad_token, "pad_token")),
    unknownId: unknownId ?? idOfName(tokenName(config.unk_token, "unk_token")),
  });
}

function listTokens(json: TokenizerJson, vocabulary: ReadonlyMap<string, number>) {
  const added = json.added_tokens ?? [];
  let size = 0;
  for (const id of vocabulary.values()) size = Math.max(size, id + 1);
  for (const { id } of added) size = Math.max(size, id + 1);
  const tokens = new Array<string>(size).fill("");
  const types = new Uint8Array(size).fill(TokenType.unused);
  const byteFallback = json.model.byte_fallback ?? false;
  for (const [text, id] of vocabulary) {
    tokens[id] = text;
    types[id] = byteFallback && /^<0x[0-9A-F]{2}>$/.test(text) ? TokenType.byte : TokenType.normal;
  }
  for (const token of added) {
    tokens[token.id] = token.content;
    types[token.id] = token.special || looksLikeControl(token.content) ? TokenType.control : TokenType.userDefined;
  }
  const unknown = json.model.unk_token;
  if (unknown != null) {
    const id = vocabulary.get(unknown);
    if (id !== undefined) types[id] = TokenType.unknown;
  }
  return { tokens, types };
}
