import type { GgufValue } from "@anneal/engine";
import { type Tokenizer, tokenizerFromGguf } from "@anneal/text";
import { documents, renderTurns } from "../corpus/documents.ts";
import { Random } from "../language/random.ts";
import { type Bpe, trainBpe } from "./bpe.ts";

export const controlTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] as const;
const [endOfText, startOfTurn, endOfTurn] = [0, 1, 2];

// The plain ChatML of most models that follow it: no system line of its own.
export const chatTemplate =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Trained on texts of the corpus; fills the vocabulary with as many merges as there is room for. */
export function trainTokenizer(vocabularySize: number, documentCount: number, seed: number): Bpe {
  const source = documents(new Random(seed));
  const texts: string[] = [];
  for (let i = 0; i < documentCount; i++) {
    const document = source.next().value;
    if ("text" in document) texts.push(document.text);
    else for (const turn of document.turns) texts.push(`${turn.role}\n`, turn.content);
  }
  const bpe = trainBpe(texts, vocabularySize, controlTokens);
  if (bpe.tokens.length < vocabularySize)
    throw new RangeError(`the corpus gives only ${bpe.tokens.length} tokens of ${vocabularySize}; use more documents`);
  return bpe;
}

/** What a GGUF file says of the tokenizer. */
export function tokenizerMetadata(bpe: Bpe): Record<string, GgufValue> {
  const id = (value: number): GgufValue => ({ type: "u32", value });
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.tokens": bpe.tokens,
    "tokenizer.ggml.token_type": { type: "i32[]", value: bpe.tokens.map((_, i) => (i < bpe.controlTokens ? 3 : 1)) },
    "tokenizer.ggml.merges": bpe.merges,
    "tokenizer.ggml.bos_token_id": id(startOfTurn),
    "tokenizer.ggml.eos_token_id": id(endOfTurn),
    "tokenizer.ggml.padding_token_id": id(endOfText),
    "tokenizer.ggml.unknown_token_id": id(endOfText),
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.ggml.add_space_prefix": false,
    "tokenizer.chat_template": chatTemplate,
  };
}

/** The same tokenizer as every reader of the file will build it. */
export function openTokenizer(bpe: Bpe): Tokenizer {
  const plain = Object.entries(tokenizerMetadata(bpe)).map(([key, entry]) => [
    key,
    typeof entry === "object" && "value" in entry ? entry.value : entry,
  ]);
  return tokenizerFromGguf(Object.fromEntries(plain));
}

/** Token ids of a document, closed by the end of text. Control tokens count: the corpus is our own. */
export function encodeDocument(
  tokenizer: Tokenizer,
  document: { text: string } | { turns: Parameters<typeof renderTurns>[0] },
) {
  const text = "text" in document ? document.text : renderTurns(document.turns);
  return [...tokenizer.encode(text, { parseSpecial: true }), endOfText];
}
