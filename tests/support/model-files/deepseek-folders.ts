// DeepSeek-LLM and the R1 distillations as Hugging Face folders: their configurations' fields, special tokens, pre-tokenizers and chat
// formats, with random weights of a few small layers. The distillations' vocabularies are those of their base models.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { preKind } from "../../../packages/text/src/tokenizer/pre-names.ts";
import { type HeaderEntry, writeRandomTensors } from "../../bench/support/random-model.ts";
import { byteAlphabet } from "../byte-alphabet.ts";
import { mergesOf } from "../merges.ts";
import { repoRoot } from "../paths.ts";

type Json = Record<string, unknown>;
interface AddedToken extends Json {
  id: number;
  content: string;
}
type TokenizerJson = Json & { added_tokens: AddedToken[] };

export interface DeepseekModel {
  name: string;
  family: "llama" | "qwen2";
  /** Of llama.cpp's pre-tokenizer. */
  pre: string;
  config: Json;
  tokenizer: () => TokenizerJson;
  template: string;
  bos: string;
  eos: string;
  /** Why it cannot be made here; null: it can. */
  missing: string | null;
}

const begin = "<｜begin▁of▁sentence｜>";
const end = "<｜end▁of▁sentence｜>";
const size = { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 4 };
const common = {
  hidden_act: "silu",
  initializer_range: 0.02,
  torch_dtype: "bfloat16",
  use_cache: true,
  tie_word_embeddings: false,
  attention_dropout: 0.0,
};

// R1's: what stands before the answer proper is left out of earlier turns, and an answer begins with its thoughts.
const r1Template =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}" +
  "{% elif message['role'] == 'assistant' %}{{ '<｜Assistant｜>' + message['content'].split('</think>')[-1] + '<｜end▁of▁sentence｜>' }}" +
  "{% else %}{{ message['content'] }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\n' }}{% endif %}";
const plainTemplate =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\n\n' }}" +
  "{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}" +
  "{% else %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

const packageFile = (name: string) =>
  join(repoRoot, "node_modules/@lenml", `tokenizer-${name}`, "models/tokenizer.json");
const missingPackage = (name: string) =>
  existsSync(packageFile(name)) ? null : `the npm package @lenml/tokenizer-${name} is not installed`;

const beginsWith = (content: string, id: number) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: content, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [],
  special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
});

/** A base model's tokenizer up to an entry, with some control tokens called otherwise, as the distillations have them. */
function renamed(
  name: string,
  before: number,
  first: number,
  names: Record<number, [content: string, special: boolean]>,
): TokenizerJson {
  const json: TokenizerJson = JSON.parse(readFileSync(packageFile(name), "utf8"));
  const called = json.added_tokens
    .filter(({ id }) => id < before)
    .map((token) => {
      const [content, special] = names[token.id] ?? [token.content, token.special];
      return { ...token, content, special };
    });
  return { ...json, added_tokens: called, post_processor: beginsWith(begin, first) };
}

// DeepSeek-LLM's own way of cutting text, over a small vocabulary in which no two digits have merged, as in its own.
function deepseekLlmTokenizer(): TokenizerJson {
  const kind = preKind("deepseek-llm");
  const splits = (kind?.original ?? []).slice(0, -1); // the last is digits one by one
  const words = [
    "Hello world, it is a card! two spaces\n\nand",
    "naïve café (x+y)=z; foo_bar",
    "银行卡丢了，怎么办？",
    "русский",
  ];
  const merges = mergesOf(words, 60);
  const known = [...new Set([...byteAlphabet, ...merges.map((pair) => pair.join(""))])];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const added = [begin, end].map((content, i) => ({
    id: known.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: true,
  }));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: "Sequence", normalizers: [] },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        ...splits.map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false })),
        { type: "Digits", individual_digits: true },
        byteLevel,
      ],
    },
    post_processor: beginsWith(begin, known.length),
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(known.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
}

const llm = deepseekLlmTokenizer();
const [llmBegin, llmEnd] = llm.added_tokens.map(({ id }) => id);

export const deepseekModels: DeepseekModel[] = [
  {
    name: "DeepSeek-LLM",
    family: "llama",
    pre: "deepseek-llm",
    config: {
      ...common,
      ...size,
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      bos_token_id: llmBegin,
      eos_token_id: llmEnd,
      max_position_embeddings: 4096,
      num_key_value_heads: 4,
      pretraining_tp: 1,
      rms_norm_eps: 1e-6,
      rope_scaling: null,
      rope_theta: 10_000.0,
      transformers_version: "4.33.1",
      vocab_size: 384, // more rows than the tokenizer has entries
    },
    tokenizer: () => llm,
    template: plainTemplate,
    bos: begin,
    eos: end,
    missing: null,
  },
  {
    name: "DeepSeek-R1-Distill-Llama",
    family: "llama",
    pre: "llama-bpe",
    config: {
      ...common,
      ...size,
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      attention_bias: false,
      mlp_bias: false,
      bos_token_id: 128_000,
      eos_token_id: 128_001,
      max_position_embeddings: 131_072,
      num_key_value_heads: 2,
      pretraining_tp: 1,
      rms_norm_eps: 1e-5,
      rope_scaling: {
        factor: 8.0,
        high_freq_factor: 4.0,
        low_freq_factor: 1.0,
        original_max_position_embeddings: 8192,
        rope_type: "llama3",
      },
      rope_theta: 500_000.0,
      transformers_version: "4.43.0.dev0",
      vocab_size: 128_256,
    },
    tokenizer: () =>
      renamed("llama3_1", 128_256, 128_000, {
        128000: [begin, true],
        128001: [end, true],
        128011: ["<｜User｜>", false],
        128012: ["<｜Assistant｜>", false],
        128013: ["<think>", false],
        128014: ["</think>", false],
        128015: ["<｜▁pad▁｜>", true],
      }),
    template: r1Template,
    bos: begin,
    eos: end,
    missing: missingPackage("llama3_1"),
  },
  {
    name: "DeepSeek-R1-Distill-Qwen",
    family: "qwen2",
    pre: "qwen2",
    config: {
      ...common,
      ...size,
      architectures: ["Qwen2ForCausalLM"],
      model_type: "qwen2",
      bos_token_id: 151_643,
      eos_token_id: 151_643,
      max_position_embeddings: 131_072,
      max_window_layers: 21,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-6,
      rope_theta: 10_000,
      sliding_window: 4096,
      transformers_version: "4.44.0",
      use_mrope: false,
      use_sliding_window: false,
      vocab_size: 151_936,
    },
    tokenizer: () =>
      renamed("qwen3", 151_665, 151_646, {
        151643: [end, true],
        151644: ["<｜User｜>", false],
        151645: ["<｜Assistant｜>", false],
        151646: [begin, true],
        151647: ["<|EOT|>", false],
        151648: ["<think>", false],
        151649: ["</think>", false],
      }),
    template: r1Template,
    bos: begin,
    eos: end,
    missing: missingPackage("qwen3"),
  },
];

const addedToken = (content: string) => ({
  __type: "AddedToken",
  content,
  lstrip: false,
  normalized: true,
  rstrip: false,
  single_word: false,
});

/** Writes the model's folder: configuration, tokenizer, random weights. */
export function writeDeepseekFolder(model: DeepseekModel, dir: string): void {
  mkdirSync(dir, { recursive: true });
  const put = (name: string, value: unknown) => writeFileSync(join(dir, name), JSON.stringify(value));
  put("config.json", model.config);
  put("generation_config.json", {
    _from_model_config: true,
    bos_token_id: model.config.bos_token_id,
    eos_token_id: model.config.eos_token_id,
    do_sample: true,
    temperature: 0.6,
    top_p: 0.95,
  });
  put("tokenizer.json", model.tokenizer());
  put("tokenizer_config.json", {
    add_bos_token: true,
    add_eos_token: false,
    bos_token: addedToken(model.bos),
    eos_token: addedToken(model.eos),
    pad_token: addedToken(model.eos),
    clean_up_tokenization_spaces: false,
    legacy: true,
    model_max_length: 16_384,
    sp_model_kwargs: {},
    unk_token: null,
    tokenizer_class: "LlamaTokenizerFast",
    chat_template: model.template,
  });
  const { hidden_size: hidden, intermediate_size: inner, num_attention_heads: heads } = size;
  const vocabulary = Number(model.config.vocab_size);
  const kv = (hidden / heads) * Number(model.config.num_key_value_heads);
  const tensors: HeaderEntry[] = [
    ["model.embed_tokens.weight", [vocabulary, hidden]],
    ["lm_head.weight", [vocabulary, hidden]],
    ["model.norm.weight", [hidden]],
  ];
  for (let layer = 0; layer < size.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`;
    const linear = (name: string, out: number, from: number) => tensors.push([`${at}.${name}.weight`, [out, from]]);
    for (const [name, out] of [
      ["q", hidden],
      ["k", kv],
      ["v", kv],
    ] as const) {
      linear(`self_attn.${name}_proj`, out, hidden);
      if (model.family === "qwen2") tensors.push([`${at}.self_attn.${name}_proj.bias`, [out]]);
    }
    linear("self_attn.o_proj", hidden, hidden);
    linear("mlp.gate_proj", inner, hidden);
    linear("mlp.up_proj", inner, hidden);
    linear("mlp.down_proj", hidden, inner);
    for (const norm of ["input_layernorm", "post_attention_layernorm"])
      tensors.push([`${at}.${norm}.weight`, [hidden]]);
  }
  writeRandomTensors(join(dir, "model.safetensors"), tensors);
}
