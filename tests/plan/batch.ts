import type { MicroBatch, TrainingSpec } from "@anneal/engine";

const pairwise = ["dpo", "ipo", "orpo", "simpo"];

/** The worst micro-batch there can be: full, sequences as long as they may be, every token trained. */
export function worstBatch(spec: TrainingSpec, vocabulary: number): MicroBatch {
  const longest = spec.maxSequenceTokens;
  const tokens = Int32Array.from({ length: spec.maxTokensPerMicroBatch }, (_, i) => (i * 7919 + 11) % vocabulary);
  const offsets = Int32Array.of(
    ...Array.from({ length: Math.ceil(tokens.length / longest) }, (_, i) => i * longest),
    tokens.length,
  );
  const sequences = Array.from({ length: offsets.length - 1 }, (_, i) => i);
  const kind = spec.objective?.kind ?? "sft";
  const marked = kind === "kto" || pairwise.includes(kind);
  const adapters = spec.adapters?.length ?? 0;
  const k = spec.objective?.kind === "distill" ? (spec.objective.teacherTopK ?? 0) : 0;
  const supervised = tokens.length - sequences.length; // every token but the first of its sequence
  return {
    tokens,
    labels: tokens.slice(),
    offsets,
    ...(k > 0
      ? {
          teacher: {
            ids: Int32Array.from({ length: supervised * k }, (_, i) => i % k),
            logprobs: new Float32Array(supervised * k).fill(-Math.log(2 * k)),
            k,
          },
        }
      : {}),
    ...(marked ? { preference: Int8Array.from(sequences, (i) => 1 - (i % 2)) } : {}),
    ...(adapters > 0
      ? { adapters: Int32Array.from(sequences, (i) => Math.floor((i * adapters) / sequences.length)) }
      : {}),
  };
}
