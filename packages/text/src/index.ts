export { TextError } from "./text-error.ts";
export { type GgufMetadata, type GgufTokenizerOptions, tokenizerFromGguf } from "./tokenizer/from-gguf.ts";
export { tokenizerFromHuggingFace } from "./tokenizer/from-hf.ts";
export type { TokenizerConfig } from "./tokenizer/hf-json.ts";
export { type GgufEntry, type GgufExportOptions, ggufTokenizerMetadata } from "./tokenizer/to-gguf.ts";
export { TokenType } from "./tokenizer/token-type.ts";
export { type EncodeOptions, type Encoding, type TextRange, Tokenizer } from "./tokenizer/tokenizer.ts";
