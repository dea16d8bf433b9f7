import { type Tokenizer, tokenizerFromGguf } from "@anneal/text";
import { type GgufFile, plainMetadata } from "../gguf/gguf-read.ts";
import { addsBos } from "../template/jinja.ts";

// llama.cpp takes these for control tokens whatever the file says of their type.
const endTexts = new Set(["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"]);

function metadataOf(file: GgufFile): Record<string, unknown> {
  const metadata = plainMetadata(file);
  const tokens = metadata["tokenizer.ggml.tokens"];
  if (!Array.isArray(tokens)) return metadata;
  const types = metadata["tokenizer.ggml.token_type"];
  const typeOf = (id: number) => (Array.isArray(types) ? types[id] : 1);
  const control = 3;
  const own = tokens.map((text, id) => (endTexts.has(String(text)) ? control : typeOf(id)));
  return { ...metadata, "tokenizer.ggml.token_type": own };
}

const known = new WeakMap<GgufFile, Tokenizer | null>();

function tokenizerOf(file: GgufFile): Tokenizer | null {
  const found = known.get(file);
  if (found !== undefined) return found;
  let made: Tokenizer | null = null;
  try {
    made = tokenizerFromGguf(metadataOf(file), { composes: false });
  } catch {
    // A vocabulary that is not understood here: tokens are then counted by words.
    made = null;
  }
  known.set(file, made);
  return made;
}

// Tokens of a prompt as the server counts them: control-token texts count as control tokens, a bos only if the file says so.
export function tokenize(file: GgufFile, text: string): number[] {
  const tokenizer = tokenizerOf(file);
  if (!tokenizer) return text.split(/(?<=\s)/).map((_, i) => i);
  const ids = Array.from(tokenizer.encode(text, { parseSpecial: true }));
  const bos = tokenizer.bosId;
  return addsBos(file) && bos !== null ? [bos, ...ids] : ids;
}

export const detokenize = (file: GgufFile, ids: number[]): string => tokenizerOf(file)?.decode(ids) ?? "";
