import { ServiceError } from "@anneal/contracts";
import { assignment, merge, type Tree } from "./spec.ts";

export interface CreateFlags {
  spec?: string;
  preset?: string;
  base?: string;
  dataset?: string;
  publish?: string;
  name?: string;
  method?: string;
  rank?: string;
  alpha?: string;
  objective?: string;
  beta?: string;
  teacher?: string;
  teacherFile?: string;
  baseStorage?: string;
  optimizer?: string;
  precision?: string;
  learningRate?: string;
  epochs?: string;
  maxSteps?: string;
  batchRows?: string;
  microBatchTokens?: string;
  maxSequenceTokens?: string;
  seed?: string;
  evalDataset?: string;
  gguf?: string;
  set: string[];
  idempotencyKey?: string;
  plan?: boolean;
  watch?: boolean;
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new ServiceError("INVALID_INPUT", `${flag}: "${text}" is not a number`, {
    field: flag,
    remedy: `give a number after ${flag}`,
  });
}

/** The flags as a part of the spec; only what was said. */
export function specOfFlags(flags: CreateFlags): Tree {
  const spec: Tree = {
    name: flags.name,
    base: flags.base,
    dataset: flags.dataset,
    precision: flags.precision,
    baseStorage: flags.baseStorage,
    learningRate: number("--learning-rate", flags.learningRate),
    epochs: number("--epochs", flags.epochs),
    maxSteps: number("--max-steps", flags.maxSteps),
    batchRows: number("--batch-rows", flags.batchRows),
    microBatchTokens: number("--micro-batch-tokens", flags.microBatchTokens),
    maxSequenceTokens: number("--max-sequence-tokens", flags.maxSequenceTokens),
    seed: number("--seed", flags.seed),
  };
  const [rank, alpha] = [number("--rank", flags.rank), number("--alpha", flags.alpha)];
  if (flags.method === "full" && (rank !== undefined || alpha !== undefined))
    throw new ServiceError("INVALID_INPUT", "--rank and --alpha belong to LoRA", {
      field: rank === undefined ? "--alpha" : "--rank",
      remedy: "leave them out, or say --method lora",
    });
  if (flags.method || rank !== undefined || alpha !== undefined)
    spec.method = merge({ kind: flags.method ?? "lora" }, { rank, alpha });
  const objective = merge(
    { kind: flags.objective ?? (flags.teacher || flags.teacherFile ? "distill" : undefined) },
    { beta: number("--beta", flags.beta), teacher: flags.teacher, teacherFile: flags.teacherFile },
  );
  if (Object.keys(objective).length > 0) spec.objective = objective;
  if (flags.optimizer) spec.optimizer = { kind: flags.optimizer };
  if (flags.evalDataset) spec.evaluation = { dataset: flags.evalDataset };
  const types = flags.gguf?.split(",").map((type) => type.trim());
  if (types) spec.export = { gguf: types };
  // Among several exports the first is the one that is served.
  if (flags.publish) spec.publish = merge({ name: flags.publish }, { gguf: types?.[0] });
  return merge(spec, ...flags.set.map(assignment));
}
