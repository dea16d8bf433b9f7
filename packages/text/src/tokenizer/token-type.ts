// Values as GGUF stores them in tokenizer.ggml.token_type.
export const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
export type TokenType = (typeof TokenType)[keyof typeof TokenType];

// Tokens that steer a conversation although their tokenizer.json does not mark them special: llama.cpp's own rule.
export function looksLikeControl(text: string): boolean {
  return (
    text === "<pad>" ||
    text === "<mask>" ||
    text === "<2mass>" ||
    text === "[@BOS@]" ||
    (text.startsWith("<|") && text.endsWith("|>")) ||
    (text.startsWith("<｜") && text.endsWith("｜>")) ||
    text.startsWith("<unused")
  );
}
