// A model small enough that a whole run takes seconds: random weights, and a tokenizer of single bytes with ChatML.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LlamaShape, writeRandomLlama } from "../../bench/support/random-model.ts";
import { byteAlphabet } from "../byte-alphabet.ts";

const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
export const tinyShape: LlamaShape = {
  layers: 2,
  hidden: 64,
  feedForward: 128,
  heads: 4,
  keyValueHeads: 2,
  vocabulary: 256 + specials.length,
};

const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

export function writeTinyModel(dir: string, shape: LlamaShape = tinyShape): void {
  writeRandomLlama(dir, shape);
  writeByteTokenizer(dir);
}

/** Bytes, ChatML's tokens and, up to `entries`, tokens merged from two others each. */
export function writeByteTokenizer(dir: string, entries: number = tinyShape.vocabulary): void {
  const vocab: Record<string, number> = Object.fromEntries(byteAlphabet.map((char, id) => [char, id]));
  const added = specials.map((content, i) => ({
    id: 256 + i,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  for (const { id, content } of added) vocab[content] = id;
  const known = [...byteAlphabet];
  const merges: string[] = [];
  for (let i = 0; added.length + known.length < entries; i++) {
    // Two strides that share no factor with each other meet every pair; most tokens come out six to eight bytes long.
    const [left, right] = [
      known[(i * 7919) % known.length] ?? "",
      known[((i * 104_729 + 13) % 1024) % known.length] ?? "",
    ];
    if (left.length + right.length > 10 || vocab[left + right] !== undefined) continue;
    vocab[left + right] = added.length + known.length;
    known.push(left + right);
    merges.push(`${left} ${right}`);
  }
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  writeFileSync(
    join(dir, "tokenizer.json"),
    JSON.stringify({
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: { type: "BPE", dropout: null, unk_token: null, fuse_unk: false, vocab, merges },
    }),
  );
  writeFileSync(
    join(dir, "tokenizer_config.json"),
    JSON.stringify({ eos_token: "<|im_end|>", pad_token: "<|endoftext|>", chat_template: chatTemplate }),
  );
}

const colours = ["red", "green", "blue", "white"];
/** Questions whose answer is one of four words; a tiny model learns some of it in a few steps. */
export function tinyRows(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const colour = colours[i % colours.length] ?? "red";
    return JSON.stringify({
      messages: [
        { role: "user", content: `${colour} thing ${i}` },
        { role: "assistant", content: colour },
      ],
    });
  }).join("\n");
}
