import type { TrainerBase } from "@anneal/contracts";
import { readGgufMetadata } from "@anneal/engine";
import { loadTextModel, type TextModel } from "@anneal/text";

export function textModelOf(base: TrainerBase): TextModel {
  if (base.kind === "hf") return loadTextModel(base);
  return loadTextModel({ kind: "gguf", metadata: readGgufMetadata(base.path).metadata });
}
