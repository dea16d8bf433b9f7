import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadTextModel } from "@anneal/text";
import { type Corpus, casesOf, notFiles, type Row } from "./corpus.ts";

type Json = Record<string, unknown>;
const tokens = ["<|end|>", ..."abcdefgh", "ab", "cd", "abcd"];

interface TokenizerFiles {
  tokenizer: {
    added_tokens: Json[];
    normalizer: unknown;
    pre_tokenizer: unknown;
    post_processor: unknown;
    decoder: unknown;
    model: Json;
  };
  texts: Map<string, string | null>; // files as they are; null: left out
}

const tinyTokenizer = (): TokenizerFiles => ({
  tokenizer: {
    added_tokens: [{ id: 0, content: "<|end|>", special: true }],
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(tokens.map((token, i) => [token, i])),
      merges: ["a b", "c d", "ab cd"],
    },
  },
  texts: new Map(),
});

function writeTokenizer(dir: string, { tokenizer, texts }: TokenizerFiles): void {
  const all = new Map<string, string | null>([
    ["tokenizer.json", JSON.stringify(tokenizer)],
    ["tokenizer_config.json", JSON.stringify({ eos_token: "<|end|>" })],
    ...texts,
  ]);
  for (const [name, text] of all) if (text !== null) writeFileSync(join(dir, name), text);
}

const bad = "TextError";
const model =
  (fields: Json) =>
  ({ tokenizer }: TokenizerFiles) =>
    Object.assign(tokenizer.model, fields);
const part =
  (fields: Partial<TokenizerFiles["tokenizer"]>) =>
  ({ tokenizer }: TokenizerFiles) =>
    Object.assign(tokenizer, fields);
const text =
  (name: string, content: string | null) =>
  ({ texts }: TokenizerFiles) =>
    texts.set(name, content);
const deep = `{"model":{"type":${"[".repeat(50_000)}${"]".repeat(50_000)}}}`;
const splits = (Regex: string) => part({ pre_tokenizer: { type: "Split", pattern: { Regex }, behavior: "Isolated" } });

const rows: Row<TokenizerFiles>[] = [
  ["no tokenizer.json", bad, "tokenizer.json: is missing", text("tokenizer.json", null)],
  ["a tokenizer.json that is no JSON", bad, "tokenizer.json: is not JSON", text("tokenizer.json", "{'a': 1}")],
  ["a tokenizer.json that is a list", bad, "is not a JSON object", text("tokenizer.json", "[1]")],
  [
    "a configuration that is a list",
    bad,
    "tokenizer_config.json: is not a JSON object",
    text("tokenizer_config.json", "[]"),
  ],
  ["no model", bad, "tokenizer.json model: is missing", part({ model: null as unknown as Json })],
  ["another kind of model", bad, 'model.type: "WordPiece" is not supported', model({ type: "WordPiece" })],
  ["no vocabulary", bad, "model.vocab: is missing", model({ vocab: undefined })],
  ["an empty vocabulary", bad, "model.vocab: is empty", model({ vocab: {} })],
  ["a vocabulary in a list", bad, "model.vocab: is missing", model({ vocab: tokens })],
  ["a negative id", bad, '"a" has the id -1', model({ vocab: { a: -1 } })],
  ["an id of 2^31", bad, '"a" has the id 2147483648', model({ vocab: { a: 2 ** 31 } })],
  ["half an id", bad, '"a" has the id 1.5', model({ vocab: { a: 1.5 } })],
  ["an id that is a text", bad, '"a" has the id "1"', model({ vocab: { a: "1" } })],
  ["no merges", bad, "model.merges: is missing", model({ merges: null })],
  ["a merge of one token", bad, 'model.merges[0]: "ab" is not a pair', model({ merges: ["ab"] })],
  ["a merge of three tokens", bad, 'model.merges[1]: "a b c" is not a pair', model({ merges: ["a b", "a b c"] })],
  ["a merge of a token that is none", bad, "model.merges[0]: joins", model({ merges: ["a z"] })],
  ["a merge that is a number", bad, "model.merges[0]: is not a pair", model({ merges: [7] })],
  ["suffixes of words", bad, "model.end_of_word_suffix: is not supported", model({ end_of_word_suffix: "</w>" })],
  ["a kind that nests 50,000 deep", bad, "model.type: [...] is not supported", text("tokenizer.json", deep)],
  [
    "an added token of 8 million characters",
    bad,
    "at most 1000000 are read",
    part({ added_tokens: [{ id: 0, content: "a".repeat(8e6) }] }),
  ],
  [
    "a flag that is a text",
    bad,
    'added_tokens[0].special: is "yes"',
    part({ added_tokens: [{ id: 0, content: "x", special: "yes" }] }),
  ],
  ["a flag that is a number", bad, "model.byte_fallback: is 1", model({ byte_fallback: 1 })],
  ["a normalizer that is a number", bad, "normalizer: is 0, not an object", part({ normalizer: 0 })],
  ["a post-processor that is a list", bad, "post_processor: is [...], not an object", part({ post_processor: [] })],
  [
    "a way to split that is none",
    bad,
    'behavior: is "Halved"',
    part({ pre_tokenizer: { type: "Split", pattern: "a", behavior: "Halved" } }),
  ],
  [
    "an end that is no token",
    bad,
    'eos_token: names "<|fin|>"',
    text("tokenizer_config.json", '{"eos_token":"<|fin|>"}'),
  ],
  [
    "one id for two tokens",
    bad,
    "gives the id 0 twice",
    ({ tokenizer }) => Object.assign(tokenizer.model.vocab as Json, { abcd: 0 }),
  ],
  ["an end that is a number", bad, "eos_token: is 2, not a text", text("tokenizer_config.json", '{"eos_token":2}')],
  ["added tokens that are no list", bad, "added_tokens: is not a list", part({ added_tokens: {} as Json[] })],
  ["an added token without an id", bad, "added_tokens[0]: has no id", part({ added_tokens: [{ content: "x" }] })],
  [
    "an added token far away",
    bad,
    "added_tokens[0]: has the id 1000000000",
    part({ added_tokens: [{ id: 1e9, content: "x" }] }),
  ],
  ["a normaliser nobody knows", bad, 'normalizer: the kind "Shout"', part({ normalizer: { type: "Shout" } })],
  ["a pre-tokenizer nobody knows", bad, 'pre_tokenizer: the kind "Bert"', part({ pre_tokenizer: { type: "Bert" } })],
  ["a decoder nobody knows", bad, 'decoder: the kind "CTC"', part({ decoder: { type: "CTC" } })],
  ["a pattern that does not close", bad, "pre_tokenizer: the pattern", splits("[a-")],
  ["a pattern that takes exponential time", bad, "pre_tokenizer: the pattern", splits("(a+)+$")],
  ["a pattern of 100,000 characters", bad, "is longer than", splits("a".repeat(100_000))],
  ["an empty pattern", bad, "has no pattern", splits("")],
  [
    "a post-processor without its token",
    bad,
    "post_processor: does not define",
    part({ post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>" } }] } }),
  ],
  ["a part of another kind", bad, "a part of another kind", part({ normalizer: { type: "Sequence", normalizers: 7 } })],
  [
    "a chat template that does not close",
    bad,
    "chat template: ends inside a block",
    text("chat_template.jinja", "{% for m in messages %}"),
  ],
  [
    "a chat template that writes without end",
    bad,
    "chat template",
    text("chat_template.jinja", "{{ 'ab' * 999999999 }}"),
  ],
];

export const tokenizerCorpus: Corpus = {
  reader: "tokenizer.json",
  whole: (dir) => writeTokenizer(dir, tinyTokenizer()),
  read: (dir) =>
    loadTextModel({ kind: "hf", dir }).template.render({
      messages: [{ role: "user", content: "a" }],
      addGenerationPrompt: true,
    }),
  cases: [...casesOf(rows, tinyTokenizer, writeTokenizer), ...notFiles("tokenizer.json", bad)],
};

/** What a GGUF says of its tokenizer, as the engine's reader hands it on. */
const tinyMetadata = (): Json => ({
  "tokenizer.ggml.model": "gpt2",
  "tokenizer.ggml.pre": "smollm",
  "tokenizer.ggml.tokens": tokens,
  "tokenizer.ggml.token_type": tokens.map((_, i) => (i === 0 ? 3 : 1)),
  "tokenizer.ggml.scores": tokens.map((_, i) => -i),
  "tokenizer.ggml.merges": ["a b", "c d", "ab cd"],
  "tokenizer.ggml.eos_token_id": 0,
});
const key = (name: string, value: unknown) => (metadata: Json) => (metadata[`tokenizer.ggml.${name}`] = value);

const metadataRows: Row<Json>[] = [
  ["no model", bad, "tokenizer.ggml.model: is missing", key("model", undefined)],
  ["another kind of model", bad, 'tokenizer.ggml.model: "t5" is not supported', key("model", "t5")],
  ["a pre-tokenizer nobody knows", bad, 'tokenizer.ggml.pre: "gpt-17" is not known', key("pre", "gpt-17")],
  ["no tokens", bad, "tokenizer.ggml.tokens: is missing", key("tokens", undefined)],
  ["an empty list of tokens", bad, "tokenizer.ggml.tokens: is empty", key("tokens", [])],
  ["tokens that are numbers", bad, "tokenizer.ggml.tokens: is not a list of strings", key("tokens", [1, 2])],
  ["fewer types than tokens", bad, "tokenizer.ggml.token_type: has 1 entries for 12 tokens", key("token_type", [1])],
  ["types in a text", bad, "tokenizer.ggml.token_type: is not a list of numbers", key("token_type", "3111")],
  [
    "a type that is none",
    bad,
    "token 3 has the type 1000000000",
    key("token_type", [3, 1, 1, 1e9, ...Array(8).fill(1)]),
  ],
  ["half a type", bad, "token 0 has the type 1.5", key("token_type", [1.5, ...Array(11).fill(1)])],
  ["an end behind the vocabulary", bad, "eos_token_id: is 99, of 12 tokens", key("eos_token_id", 99)],
  ["an end that is a text", bad, "eos_token_id: is not a whole number", key("eos_token_id", "</s>")],
  ["a beginning and a half", bad, "bos_token_id: is not a whole number", key("bos_token_id", 1.5)],
  [
    "a score of NaN",
    bad,
    'token 4 has the score "NaN"',
    (m) =>
      Object.assign(m, {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.scores": [0, 0, 0, 0, "NaN", 0, 0, 0, 0, 0, 0, 0],
      }),
  ],
  ["no merges", bad, "tokenizer.ggml.merges: is missing", key("merges", undefined)],
  ["a merge of a token that is none", bad, 'entry 1 ("a z")', key("merges", ["a b", "a z"])],
  [
    "a SentencePiece vocabulary without scores",
    bad,
    "tokenizer.ggml.scores: is missing",
    (m) => Object.assign(m, { "tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": undefined }),
  ],
];

const metadataFile = "metadata.json";
const writeMetadata = (dir: string, metadata: Json) => writeFileSync(join(dir, metadataFile), JSON.stringify(metadata));

export const ggufTokenizerCorpus: Corpus = {
  reader: "tokenizer of a GGUF",
  whole: (dir) => writeMetadata(dir, tinyMetadata()),
  read: (dir) =>
    loadTextModel({ kind: "gguf", metadata: JSON.parse(readFileSync(join(dir, metadataFile), "utf8")) as Json }),
  cases: casesOf(metadataRows, tinyMetadata, writeMetadata),
};
