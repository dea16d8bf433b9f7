import { planTraining } from "./plan.ts";
import { openSession } from "./session.ts";
import type { MicroBatch, Session, SpeedProbe, TrainingSpec } from "./types/index.ts";

/** A full micro-batch of made-up tokens; a fifth of each sequence is trained, as in question answering. With teacherTopK, a made-up teacher. */
export function probeBatch(tokenCount: number, sequenceTokens: number, vocabSize: number, teacherTopK = 0): MicroBatch {
  const tokens = new Int32Array(tokenCount);
  const labels = new Int32Array(tokenCount).fill(-100);
  const offsets: number[] = [];
  for (let start = 0; start < tokenCount; start += sequenceTokens) offsets.push(start);
  offsets.push(tokenCount);
  for (let i = 0; i < tokenCount; i++) {
    const token = (i * 7919 + 11) % vocabSize;
    tokens[i] = token;
    if (i % 5 === 4) labels[i] = token;
  }
  const batch = { tokens, labels, offsets: Int32Array.from(offsets) };
  if (teacherTopK === 0) return batch;
  const firsts = new Set(offsets); // no token comes before them, so none predicts them
  const supervised = labels.reduce((count, label, i) => count + Number(label !== -100 && !firsts.has(i)), 0);
  const teacher = {
    ids: Int32Array.from({ length: supervised * teacherTopK }, (_, i) => i % teacherTopK),
    logprobs: new Float32Array(supervised * teacherTopK).fill(-Math.log(teacherTopK)),
    k: teacherTopK,
  };
  return { ...batch, teacher };
}

/** Side by side: every adapter gets its share of the sequences, in order. */
function ownersOf(sequences: number, adapters: number): Pick<MicroBatch, "adapters"> {
  if (adapters === 0) return {};
  return { adapters: Int32Array.from({ length: sequences }, (_, i) => Math.floor((i * adapters) / sequences)) };
}

const timedSteps = 3; // the first also warms caches
const askedPrompts = 16;
const newTokens = 8;

/**
 * Times steps of a full micro-batch on the real model, and the answers to a few prompts at once. `sequenceTokens` is the typical length
 * of one sequence in the data (defaults to the longest allowed).
 */
export async function probeSpeed(spec: TrainingSpec, sequenceTokens = spec.maxSequenceTokens): Promise<SpeedProbe> {
  planTraining(spec);
  const began = performance.now();
  const session = await openSession(spec);
  const loadSeconds = secondsSince(began);
  try {
    const length = Math.max(2, Math.min(sequenceTokens, spec.maxSequenceTokens, spec.maxTokensPerMicroBatch));
    const topK = spec.objective?.kind === "distill" ? spec.objective.teacherTopK : undefined;
    const plain = probeBatch(spec.maxTokensPerMicroBatch, length, session.info.vocabSize, topK);
    const batch = { ...plain, ...ownersOf(plain.offsets.length - 1, spec.adapters?.length ?? 0) };
    const steps: number[] = [];
    for (let step = 0; step < timedSteps; step++) {
      const result = await session.step({ microBatches: [batch], learningRate: 0, clipNorm: 1, step });
      steps.push(result.seconds);
    }
    const secondsPerStep = Math.min(...steps);
    return {
      secondsPerStep,
      slowestSecondsPerStep: Math.max(...steps.slice(1)),
      tokensPerSecond: batch.tokens.length / secondsPerStep,
      secondsPerNewToken: await timeAnswers(session, length),
      loadSeconds,
    };
  } finally {
    await session.close();
  }
}

const secondsSince = (began: number) => (performance.now() - began) / 1000;

/** Seconds per generated token of several prompts answered at once; null where the context leaves no room for an answer. */
async function timeAnswers(session: Session, length: number): Promise<number | null> {
  const promptTokens = Math.min(length, session.info.contextLength - newTokens - 1);
  if (promptTokens < 1) return null;
  const prompt = Int32Array.from({ length: promptTokens }, (_, i) => (i * 7919 + 11) % session.info.vocabSize);
  const prompts = Array.from({ length: askedPrompts }, () => prompt);
  const timed = async (maxNewTokens: number) => {
    const began = performance.now();
    await session.generate({ prompts, maxNewTokens, temperature: 0, topK: 0, topP: 1, seed: 0, stopTokens: [] });
    return secondsSince(began);
  };
  // What the prompts cost is taken off: their forward pass is counted by the step.
  const [first, all] = [await timed(1), await timed(1 + newTokens)];
  return Math.max(0, all - first) / (askedPrompts * newTokens);
}
