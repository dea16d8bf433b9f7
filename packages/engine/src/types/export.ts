import type { GgufType } from "@anneal/contracts";

export interface SavedFile {
  sha256: string;
  bytes: number;
}

/** F32 is for tests and tools: no run exports it. */
export type GgufExportType = "F32" | GgufType;

/** A metadata value as GGUF types it. Plain strings, booleans and arrays of strings need no tag. */
export type GgufValue =
  | string
  | boolean
  | string[]
  | {
      type: "u32" | "i32" | "f32" | "u64" | "i64" | "f64" | "u8" | "i8" | "u16" | "i16";
      value: number;
    }
  | { type: "i32[]"; value: Int32Array | number[] }
  | { type: "f32[]"; value: Float32Array | number[] };

/** What rounding to the file's types cost: root mean square of the difference over that of the values. */
export interface QuantisationError {
  /** Over all tensors that are rounded, together. */
  relativeRmse: number;
  /** Each matrix under its GGUF name, with the type it got. */
  tensors: { name: string; type: string; relativeRmse: number }[];
}

export interface GgufExportResult extends SavedFile {
  error: QuantisationError;
}

export interface GgufExportOptions {
  /** One of several adapters trained side by side; left out: the first. */
  adapter?: string;
  type: GgufExportType;
  /** Keys beside the architecture's own (general.name, tokenizer.ggml.*, tokenizer.chat_template, ...); they win over keys carried from a GGUF base. */
  metadata: Record<string, GgufValue>;
}
