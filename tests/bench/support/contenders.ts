// Sessions that take turns, each in a process of its own, so that the memory of one is not the other's.
import { cpus } from "node:os";
import { LINEAR_NAMES, type TrainingSpec } from "@anneal/engine";
import { trainerArguments } from "../../../apps/worker/src/engine-host/trainer-process.ts";
import { LineProcess } from "./line-process.ts";
import { median } from "./median.ts";
import { llama118m } from "./random-model.ts";
import type { StepAnswer, StepRequestLine } from "./step-process.ts";
import { takeTurns } from "./turns.ts";

export type Batch = StepRequestLine["batches"][number];

const rounds = 5;
export const mebibytes = (bytes: number) => bytes / 2 ** 20;

/** `count` rows of `length` random tokens, all of them trained, as one packed micro-batch. */
export function rowsOf(count: number, length: number, adapters = 0): Batch {
  const tokens = Array.from({ length: count * length }, (_, i) => 3 + ((i * 7919 + 11) % (llama118m.vocabulary - 3)));
  const offsets = Array.from({ length: count + 1 }, (_, i) => i * length);
  const owners = Array.from({ length: count }, (_, i) => Math.floor((i * adapters) / count));
  return { tokens, labels: tokens, offsets, ...(adapters > 0 ? { adapters: owners } : {}) };
}

export function specOf(dir: string, batch: Batch, changes: Partial<TrainingSpec>, rank = 16) {
  return {
    base: { kind: "hf" as const, dir },
    precision: "bf16" as const,
    threads: cpus().length,
    seed: 1,
    method: { kind: "lora" as const, rank, alpha: 2 * rank, dropout: 0, rsLora: false, targets: [...LINEAR_NAMES] },
    optimizer: { kind: "adamw" as const, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: batch.tokens.length,
    maxSequenceTokens: batch.offsets[1] ?? batch.tokens.length,
    ...changes,
  } satisfies TrainingSpec;
}

export type Contender = LineProcess<StepAnswer>;
export async function start(program: string, spec: TrainingSpec, batch: Batch): Promise<Contender> {
  const contender: Contender = new LineProcess(process.execPath, [...trainerArguments, program]);
  await contender.ask(JSON.stringify({ spec, batches: [batch] } satisfies StepRequestLine));
  return contender;
}

/** Steps in turns: of each the last answer, with the median of the seconds. */
export async function compare(a: Contender, b: Contender) {
  const turns = await takeTurns(
    rounds,
    () => a.ask("step"),
    () => b.ask("step"),
  );
  a.end();
  b.end();
  const of = (answers: StepAnswer[]) => {
    const last = answers.at(-1) as StepAnswer;
    return { ...last, seconds: median(answers.map(({ seconds }) => seconds)) };
  };
  return [of(turns[0]), of(turns[1])] as const;
}
