import { around, flag, type GgufMetadata, numbers, readShared, type Shared, strings } from "./from-gguf.ts";
import type { AddedTokenJson, PostProcessorJson, PreTokenizerJson, TokenizerConfig, TokenizerJson } from "./hf-json.ts";
import { preKind } from "./pre-names.ts";
import { TokenType } from "./token-type.ts";

type Vocabulary = Map<string, number>;

/**
 * tokenizer.json and tokenizer_config.json that read text as the tokenizer of a GGUF file does, for programs that load folders.
 * Throws TextError where the file's tokenizer is not known.
 */
export function huggingFaceTokenizer(metadata: GgufMetadata): { json: TokenizerJson; config: TokenizerConfig } {
  const { model, shared } = readShared(metadata);
  const vocabulary: Vocabulary = new Map();
  // An id whose text another has already can never arise from text, but every row of the embedding has its entry.
  shared.tokens.forEach((text, id) => {
    vocabulary.set(vocabulary.has(text) ? `[UNUSED${id}]` : text, id);
  });
  const parts = model === "gpt2" ? byteLevel(metadata) : sentencePiece(metadata, shared, vocabulary);
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: shared.added.map(
      ({ id, content, special, normalized, leftStrip, rightStrip, singleWord }): AddedTokenJson => ({
        id,
        content,
        single_word: singleWord,
        lstrip: leftStrip,
        rstrip: rightStrip,
        normalized,
        special,
      }),
    ),
    ...parts,
    post_processor: postProcessor(metadata, shared, model),
    model: { type: "BPE", vocab: Object.fromEntries(vocabulary), ...parts.model },
  };
  const named = {
    bos_token: shared.bosId,
    eos_token: shared.eosId,
    pad_token: shared.padId,
    unk_token: shared.unknownId,
  };
  const config: TokenizerConfig = { tokenizer_class: "PreTrainedTokenizerFast", clean_up_tokenization_spaces: false };
  for (const [name, id] of Object.entries(named)) if (id !== null) config[name] = shared.tokens[id];
  return { json, config };
}

type Parts = Pick<TokenizerJson, "normalizer" | "pre_tokenizer" | "decoder"> & {
  model: Omit<TokenizerJson["model"], "vocab">;
};

function byteLevel(metadata: GgufMetadata): Parts {
  const kind = preKind(String(metadata["tokenizer.ggml.pre"] ?? "default"));
  const splits = (kind?.original ?? kind?.patterns ?? []).map(
    (Regex): PreTokenizerJson => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }),
  );
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    normalizer: kind?.composes ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...splits, bytes] },
    decoder: { ...bytes },
    model: {
      merges: strings(metadata, "merges").map((merge): [string, string] => {
        const space = merge.indexOf(" ", 1);
        return [merge.slice(0, space), merge.slice(space + 1)];
      }),
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: kind?.ignoreMerges ?? false,
    },
  };
}

function sentencePiece(metadata: GgufMetadata, { tokens, types, unknownId }: Shared, vocabulary: Vocabulary): Parts {
  const spaces = flag(metadata, "add_space_prefix") ?? true;
  const spacesOut = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const decoders = [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
  ];
  return {
    normalizer: spaces ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, spacesOut] } : spacesOut,
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: spaces ? [...decoders, { type: "Strip", content: " ", start: 1, stop: 0 }] : decoders,
    },
    model: {
      merges: mergesByScore(tokens, types, numbers(metadata, "scores", tokens.length) ?? [], vocabulary),
      unk_token: unknownId === null ? null : (tokens[unknownId] ?? null),
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
    },
  };
}

// SentencePiece joins what makes the token of the highest score; a list of merges says the same by its order.
function mergesByScore(
  tokens: readonly string[],
  types: Uint8Array,
  scores: ArrayLike<number>,
  vocabulary: Vocabulary,
) {
  const arises = (id: number | undefined): id is number =>
    id !== undefined &&
    (types[id] === TokenType.normal || types[id] === TokenType.userDefined || types[id] === TokenType.unused);
  const merges: { pair: [string, string]; score: number }[] = [];
  tokens.forEach((text, id) => {
    if (!arises(id) || vocabulary.get(text) !== id) return;
    for (let at = 1; at < text.length; at++) {
      const pair: [string, string] = [text.slice(0, at), text.slice(at)];
      if (arises(vocabulary.get(pair[0])) && arises(vocabulary.get(pair[1])))
        merges.push({ pair, score: Number(scores[id]) });
    }
  });
  return merges.sort((a, b) => b.score - a.score).map(({ pair }) => pair);
}

function postProcessor(metadata: GgufMetadata, shared: Shared, model: "gpt2" | "llama"): PostProcessorJson | null {
  const addsByDefault =
    model === "llama" || (preKind(String(metadata["tokenizer.ggml.pre"] ?? "default"))?.addsBos ?? false);
  const { prefixIds, suffixIds } = around(metadata, shared, addsByDefault);
  if (prefixIds.length + suffixIds.length === 0) return null;
  const special = (id: number) => shared.tokens[id] ?? "";
  const pieces = (ids: readonly number[], type: number) =>
    ids.map((id) => ({ SpecialToken: { id: special(id), type_id: type } }));
  const pieced = (name: string, type: number) => [
    ...pieces(prefixIds, type),
    { Sequence: { id: name, type_id: type } },
    ...pieces(suffixIds, type),
  ];
  return {
    type: "TemplateProcessing",
    single: pieced("A", 0),
    pair: [...pieced("A", 0), ...pieced("B", 1)],
    special_tokens: Object.fromEntries(
      [...prefixIds, ...suffixIds].map((id) => [special(id), { id: special(id), ids: [id], tokens: [special(id)] }]),
    ),
  } as PostProcessorJson;
}
