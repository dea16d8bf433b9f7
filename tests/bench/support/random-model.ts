// Writes a llama with random weights as a Hugging Face folder, so that an engine and its peer load the same bytes.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface LlamaShape {
  layers: number;
  hidden: number;
  feedForward: number;
  heads: number;
  keyValueHeads: number;
  vocabulary: number;
}

// FIELD measurements use six layers of the usual 0.5B geometry with a vocabulary of 32k: 118M parameters.
export const llama118m: LlamaShape = {
  layers: 6,
  hidden: 896,
  feedForward: 4864,
  heads: 14,
  keyValueHeads: 2,
  vocabulary: 32_000,
};

/** Rows of whole blocks of 256, as K-quants need them: 137M parameters. */
export const llama137m: LlamaShape = { ...llama118m, hidden: 1024, heads: 16 };

/** SmolLM2-135M: many thin layers and a wide vocabulary. */
export const llama135m: LlamaShape = {
  layers: 30,
  hidden: 576,
  feedForward: 1536,
  heads: 9,
  keyValueHeads: 3,
  vocabulary: 49_152,
};

// Deterministic, roughly normal numbers (sum of four uniforms) of the given deviation.
function randomNormals(count: number, deviation: number, seed: number): Float32Array {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
  const out = new Float32Array(count);
  const scale = deviation * Math.sqrt(3);
  for (let i = 0; i < count; i++) out[i] = (uniform() + uniform() + uniform() + uniform() - 2) * scale;
  return out;
}

export type HeaderEntry = [name: string, shape: number[]];

export function writeRandomLlama(dir: string, shape: LlamaShape): void {
  mkdirSync(dir, { recursive: true });
  const headSize = shape.hidden / shape.heads;
  const kv = headSize * shape.keyValueHeads;
  const tensors: HeaderEntry[] = [["model.embed_tokens.weight", [shape.vocabulary, shape.hidden]]];
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `model.layers.${layer}`;
    tensors.push(
      [`${at}.input_layernorm.weight`, [shape.hidden]],
      [`${at}.self_attn.q_proj.weight`, [shape.hidden, shape.hidden]],
      [`${at}.self_attn.k_proj.weight`, [kv, shape.hidden]],
      [`${at}.self_attn.v_proj.weight`, [kv, shape.hidden]],
      [`${at}.self_attn.o_proj.weight`, [shape.hidden, shape.hidden]],
      [`${at}.post_attention_layernorm.weight`, [shape.hidden]],
      [`${at}.mlp.gate_proj.weight`, [shape.feedForward, shape.hidden]],
      [`${at}.mlp.up_proj.weight`, [shape.feedForward, shape.hidden]],
      [`${at}.mlp.down_proj.weight`, [shape.hidden, shape.feedForward]],
    );
  }
  tensors.push(["model.norm.weight", [shape.hidden]]);
  writeRandomTensors(join(dir, "model.safetensors"), tensors);
  writeFileSync(
    join(dir, "config.json"),
    JSON.stringify({
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      hidden_size: shape.hidden,
      intermediate_size: shape.feedForward,
      num_hidden_layers: shape.layers,
      num_attention_heads: shape.heads,
      num_key_value_heads: shape.keyValueHeads,
      head_dim: headSize,
      vocab_size: shape.vocabulary,
      max_position_embeddings: 4096,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      hidden_act: "silu",
      attention_bias: false,
      mlp_bias: false,
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: 2,
      torch_dtype: "float32",
    }),
  );
}

/** Vectors of ones, everything else roughly normal. */
export function writeRandomTensors(path: string, tensors: readonly HeaderEntry[]): void {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, dims] of tensors) {
    const bytes = 4 * dims.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape: dims, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "w");
  writeSync(file, length);
  writeSync(file, text);
  tensors.forEach(([, dims], index) => {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = dims.length === 1 ? new Float32Array(count).fill(1) : randomNormals(count, 0.02, index + 1);
    writeSync(file, new Uint8Array(values.buffer));
  });
  closeSync(file);
}
