import { type BaseSource, say } from "@anneal/contracts";
import { type GgufValue, readGgufMetadata } from "@anneal/engine";
import { exportTextMetadata, ggufName, loadTextModel, neverEnds, type TextModel } from "@anneal/text";
import { withinSeconds } from "../context/deadline.ts";

const secondsToLoad = 90;

export const sourceOf = (base: BaseSource) =>
  base.kind === "hf" ? base : { kind: "gguf" as const, metadata: readGgufMetadata(base.path).metadata };

/** The time in a run's id (UUIDv7): every attempt renders templates that show the date alike. */
const timeOfId = (runId: string): Date => new Date(Number.parseInt(runId.replaceAll("-", "").slice(0, 12), 16));

export function textModelOf({ base, runId }: { base: BaseSource; runId: string }): TextModel {
  const source = sourceOf(base);
  return withinSeconds(
    secondsToLoad,
    () => loadTextModel(source, { now: timeOfId(runId) }),
    () => neverEnds("tokenizer", say`reading the tokenizer and the chat template`, secondsToLoad),
  );
}

/** What of the clock goes into rendered rows, for the key of cached shards. */
export const clockOf = ({ templateSource, now }: TextModel): string | null =>
  /strftime_now|date/.test(templateSource) ? now.toISOString().slice(0, 10) : null;

/** Keys of an exported GGUF that the engine does not know by itself: name, tokenizer, chat template. */
export function ggufMetadata(
  base: BaseSource,
  text: TextModel,
  modelName: string,
  vocabularySize: number,
): Record<string, GgufValue> {
  return {
    "general.name": ggufName(text, modelName),
    "general.finetune": "anneal",
    ...exportTextMetadata(sourceOf(base), text, { vocabularySize }),
  };
}
