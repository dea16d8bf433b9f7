import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../language/random.ts";

export interface ModelShape {
  layers: number;
  hidden: number;
  feedForward: number;
  heads: number;
  keyValueHeads: number;
  vocabulary: number;
  contextTokens: number;
}

function* normals(random: Random): Generator<number, never> {
  for (;;) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    const angle = 2 * Math.PI * random.next();
    yield radius * Math.cos(angle);
    yield radius * Math.sin(angle);
  }
}

/** A llama before any training, in Hugging Face layout: normal weights, smaller where a block writes to the stream. */
export function writeInitialModel(dir: string, shape: ModelShape, seed: number): void {
  const headSize = shape.hidden / shape.heads;
  const kv = headSize * shape.keyValueHeads;
  const writing = 0.02 / Math.sqrt(2 * shape.layers);
  const tensors: { name: string; dims: number[]; deviation: number }[] = [
    { name: "model.embed_tokens.weight", dims: [shape.vocabulary, shape.hidden], deviation: 0.02 },
  ];
  for (let layer = 0; layer < shape.layers; layer++) {
    const add = (name: string, dims: number[], deviation = 0.02) =>
      tensors.push({ name: `model.layers.${layer}.${name}.weight`, dims, deviation });
    add("input_layernorm", [shape.hidden]);
    add("self_attn.q_proj", [shape.hidden, shape.hidden]);
    add("self_attn.k_proj", [kv, shape.hidden]);
    add("self_attn.v_proj", [kv, shape.hidden]);
    add("self_attn.o_proj", [shape.hidden, shape.hidden], writing);
    add("post_attention_layernorm", [shape.hidden]);
    add("mlp.gate_proj", [shape.feedForward, shape.hidden]);
    add("mlp.up_proj", [shape.feedForward, shape.hidden]);
    add("mlp.down_proj", [shape.hidden, shape.feedForward], writing);
  }
  tensors.push({ name: "model.norm.weight", dims: [shape.hidden], deviation: 0 });

  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  const source = normals(new Random(seed));
  let offset = 0;
  for (const { name, dims, deviation } of tensors) {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = dims.length === 1 ? new Float32Array(count).fill(1) : new Float32Array(count);
    if (dims.length > 1) for (let i = 0; i < count; i++) values[i] = deviation * source.next().value;
    header[name] = { dtype: "F32", shape: dims, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
    parts.push(new Uint8Array(values.buffer));
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "model.safetensors"), Buffer.concat([length, padded, ...parts]));
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
      max_position_embeddings: shape.contextTokens,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      hidden_act: "silu",
      tie_word_embeddings: true,
    }),
  );
}
