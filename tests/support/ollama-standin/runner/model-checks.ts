import { architecture, type GgufFile, numberOf } from "../gguf/gguf-read.ts";

const known =
  "llama llama4 mistral3 qwen2 qwen2moe qwen3 qwen3moe qwen2vl phi2 phi3 phimoe gemma gemma2 gemma3 gemma3n deepseek deepseek2 falcon gpt2 gptneox starcoder2 stablelm olmo olmo2 command-r cohere2 granite granitemoe internlm2 minicpm minicpm3 glm4 smollm3 mixtral bert nomic-bert".split(
    " ",
  );
const neededKeys = ["context_length", "embedding_length", "block_count"];

// What llama.cpp asks for before it copies a model; any failure ends its program with status 1.
export function copyStepAccepts(file: GgufFile): boolean {
  const arch = file.keys.get("general.architecture");
  if (file.version < 2 || file.version > 3 || typeof arch !== "string" || !known.includes(arch)) return false;
  const number = (key: string) => numberOf(file.keys.get(`${arch}.${key}`));
  if (!neededKeys.every((key) => number(key) !== null)) return false;
  if (/^(llama|qwen|phi3|gemma|deepseek|olmo2|granite|internlm2|minicpm)/.test(arch))
    if (number("attention.layer_norm_rms_epsilon") === null) return false;
  const heads = number("attention.head_count") ?? 0;
  const rotated = number("rope.dimension_count");
  const head = number("attention.key_length") ?? Math.floor((number("embedding_length") ?? 0) / (heads || 1));
  if (arch === "llama" && heads > 0 && rotated !== null && rotated !== head) return false;
  return new Set(file.tensors.map((t) => t.name)).size === file.tensors.length;
}

const preNames = new Set(
  "default llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano deepseek-llm deepseek-coder deepseek-v3 youtu falcon mpt starcoder gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de jina-v2-code roberta-bpe refact command-r qwen2 deepseek-r1-qwen kormo megrez stablelm2 olmo dbrx smaug-bpe poro-chat chatglm-bpe viking jais tekken smollm codeshell bloom gpt3-finnish exaone exaone4 chameleon minerva-7b gpt-4o superbpe trillion granite-docling bailingmoe seed-coder hunyuan kimi-k2 grok-2 qwen35 gemma4".split(
    " ",
  ),
);

// The faults that llama-server meets when it loads a model, in its order and words; null when it loads.
export function loadFault(file: GgufFile): string | null {
  const arch = architecture(file);
  const vocabulary = vocabularyFault(file);
  if (vocabulary) return `error loading model vocabulary: ${vocabulary}`;
  return arch === "llama" || arch === "qwen2" ? tensorFault(file, arch) : null;
}

function vocabularyFault(file: GgufFile): string | null {
  const key = (name: string) => file.keys.get(`tokenizer.ggml.${name}`);
  const model = key("model");
  if (model === undefined) return "key not found in model: tokenizer.ggml.model";
  if (!["no_vocab", "none", "llama", "bert", "gpt2", "t5", "rwkv", "plamo2", "gemma4"].includes(String(model)))
    return `unknown tokenizer: '${String(model)}'`;
  if (model === "gpt2" && key("merges") === undefined) return "cannot find tokenizer merges in model file";
  const pre = key("pre");
  if (model === "gpt2" && pre !== undefined && !preNames.has(String(pre)))
    return `unknown pre-tokenizer type: '${String(pre)}'`;
  if (!Array.isArray(key("tokens"))) return "cannot find tokenizer vocab in model file";
  return null;
}

const shapeText = (sides: readonly number[]): string => sides.map((side) => String(side).padStart(6)).join(", ");

function tensorFault(file: GgufFile, arch: string): string | null {
  const number = (key: string) => numberOf(file.keys.get(`${arch}.${key}`)) ?? 0;
  const tokens = file.keys.get("tokenizer.ggml.tokens");
  const width = number("embedding_length");
  const vocabulary = Array.isArray(tokens) ? tokens.length : number("vocab_size");
  const heads = number("attention.head_count");
  const kvHeads = numberOf(file.keys.get(`${arch}.attention.head_count_kv`)) ?? heads;
  const head = heads > 0 ? number("attention.key_length") || Math.floor(width / heads) : 0;
  const ff = number("feed_forward_length");
  const used = new Set<string>();
  const faults: string[] = [];
  const want = (name: string, shape: number[], required = true) => {
    const found = file.tensors.find((tensor) => tensor.name === name);
    if (!found) {
      if (required) faults.push(`check_tensor_dims: tensor '${name}' not found`);
      return;
    }
    const got = [...found.shape, 1, 1, 1].slice(0, 4);
    if (got.some((side, i) => side !== (shape[i] ?? 1)))
      faults.push(
        `check_tensor_dims: tensor '${name}' has wrong shape; expected ${shapeText(shape)}, got ${shapeText(got)}`,
      );
    used.add(name);
  };
  want("token_embd.weight", [width, vocabulary]);
  want("output_norm.weight", [width]);
  want("output.weight", [width, vocabulary], false);
  if (arch === "qwen2") want("output.bias", [vocabulary], false);
  for (let layer = 0; layer < number("block_count"); layer += 1) {
    const own = (name: string, shape: number[], required = true) => want(`blk.${layer}.${name}`, shape, required);
    const query = arch === "qwen2" ? width : head * heads;
    own("attn_norm.weight", [width]);
    own("attn_q.weight", [width, query]);
    own("attn_k.weight", [width, head * kvHeads]);
    own("attn_v.weight", [width, head * kvHeads]);
    own("attn_q.bias", [query], false);
    own("attn_k.bias", [head * kvHeads], false);
    own("attn_v.bias", [head * kvHeads], false);
    own("attn_output.weight", [query, width]);
    if (arch === "llama") own("attn_output.bias", [width], false);
    own("ffn_norm.weight", [width]);
    if (layer === 0 && arch === "llama") want("rope_freqs.weight", [number("rope.dimension_count") / 2], false);
    own("ffn_gate.weight", [width, ff]);
    own("ffn_down.weight", [ff, width]);
    own("ffn_up.weight", [width, ff]);
    if (faults.length > 0) break;
  }
  if (faults.length === 0 && used.size < file.tensors.length)
    faults.push(`done_getting_tensors: wrong number of tensors; expected ${file.tensors.length}, got ${used.size}`);
  return faults[0] ?? null;
}
