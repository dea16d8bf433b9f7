import {
  type BaseStorage,
  EarlyStopping,
  FullMethod,
  type GgufType,
  type GradientCheckpointing,
  LoraMethod,
  type Precision,
  RunSpec,
  type ScheduleSpec,
  type SideAdapter,
  withoutUnknown,
} from "@anneal/contracts";
import { type ObjectiveForm, type OptimizerForm, objectiveForm, objectiveSpecOf, optimizerForm } from "./kinds.ts";
import { formatParameters, type ParameterError, parseParameters } from "./parameters.ts";

// What the form holds. It has the paths of RunSpec, so that an error of zod or of the server finds its field; it differs
// where a person needs more: LoRA's settings stay while "full" is looked at, and an emptied number is null.
export interface SpecForm {
  name: string;
  base: string;
  dataset: string;
  method: {
    kind: "lora" | "full";
    rank: number | null;
    alpha: number | null;
    dropout: number | null;
    rsLora: boolean;
    dora: boolean;
    loraPlusRatio: number | null;
    targets: string[];
    startFrom: string; // "": a fresh adapter
    freeze: string[];
  };
  adapters: SideAdapter[]; // side by side
  objective: ObjectiveForm;
  precision: Precision;
  baseStorage: BaseStorage;
  optimizer: OptimizerForm;
  schedule: { kind: ScheduleSpec["kind"] } & { [name in Exclude<keyof ScheduleSpec, "kind">]: number | null };
  learningRate: number | null;
  epochs: number | null;
  maxSteps: number | null;
  batchRows: number | null;
  microBatchTokens: number | null;
  maxSequenceTokens: number | null;
  packing: boolean;
  lengthGrouping: boolean;
  gradientCheckpointing: GradientCheckpointing;
  clipNorm: number | null;
  neftuneAlpha: number | null;
  sourceWeights: Record<string, number>;
  routerAuxWeight: number | null;
  stoppingEarly: boolean;
  earlyStopping: { patience: number | null; minDelta: number | null };
  guards: { nonFinite: boolean; spikeFactor: number | null; maxRollbacks: number | null };
  seed: number | null;
  threads: number | null;
  memoryBudgetGiB: number | null;
  evaluation: {
    dataset: string; // "": a part split off
    heldOutFraction: number | null;
    everySteps: number | null;
    maxRows: number | null;
    finalMaxRows: number | null;
    maxNewTokens: number | null;
  };
  checkpoints: { everySteps: number | null; keepLast: number | null; keepBest: boolean; restoreBest: boolean };
  samples: { everySteps: number | null; prompts: string[]; maxNewTokens: number | null };
  export: { gguf: GgufType[]; merged: boolean; adapter: string }; // adapter "": the best
  publishing: boolean;
  publish: { name: string; gguf: GgufType; system: string; parameters: string };
}

const gibibyte = 2 ** 30;
const anyId = "00000000-0000-7000-8000-000000000000";

/** All defaults of the contract, as they come out of an empty spec. */
export const defaultSpec: RunSpec = RunSpec.parse({ base: "/any", dataset: anyId });
const defaultLora = LoraMethod.parse({ kind: "lora" });
const defaultFull = FullMethod.parse({ kind: "full" });

export function formOf(spec: RunSpec): SpecForm {
  const lora = spec.method.kind === "lora" ? spec.method : defaultLora;
  const { memoryBudgetBytes, ...same } = spec;
  return {
    ...same,
    name: spec.name ?? "",
    method: {
      ...lora,
      startFrom: lora.startFrom ?? "",
      freeze: spec.method.kind === "full" ? spec.method.freeze : defaultFull.freeze,
      kind: spec.method.kind,
    },
    objective: objectiveForm(spec.objective),
    optimizer: optimizerForm(spec.optimizer),
    stoppingEarly: spec.earlyStopping !== null,
    earlyStopping: spec.earlyStopping ?? EarlyStopping.parse({}),
    memoryBudgetGiB: memoryBudgetBytes === null ? null : memoryBudgetBytes / gibibyte,
    evaluation: { ...spec.evaluation, dataset: spec.evaluation.dataset ?? "" },
    export: { ...spec.export, adapter: spec.export.adapter ?? "" },
    publishing: spec.publish !== null,
    publish: {
      name: spec.publish?.name ?? "",
      gguf: spec.publish?.gguf ?? "Q8_0",
      system: spec.publish?.system ?? "",
      parameters: formatParameters(spec.publish?.parameters ?? {}),
    },
  };
}

export const emptyForm = (): SpecForm => ({ ...formOf(defaultSpec), base: "", dataset: "", publishing: true });

export interface SpecIssue {
  path: string;
  /** What zod says of it: enough to say it again in the person's language. */
  issue: { code: string; message: string; minimum?: number; maximum?: number; inclusive?: boolean; origin?: string };
}
export type SpecResult =
  | { ok: true; spec: RunSpec }
  | { ok: false; issues: SpecIssue[]; parameterError: ParameterError | null };

/** The spec that the form stands for, or what is wrong with it, by field. */
export function specOf(form: SpecForm): SpecResult {
  const parameters = parseParameters(form.publish.parameters);
  const { publishing, publish, memoryBudgetGiB, method, name, evaluation, stoppingEarly, ...rest } = form;
  const adapters = method.kind === "lora" ? form.adapters : [];
  const candidate = {
    ...rest,
    adapters,
    objective: objectiveSpecOf(form.objective),
    ...(name.trim() ? { name } : {}),
    method: { ...method, startFrom: method.startFrom.trim() || null },
    earlyStopping: stoppingEarly ? form.earlyStopping : null,
    memoryBudgetBytes: memoryBudgetGiB === null ? null : Math.round(memoryBudgetGiB * gibibyte),
    evaluation: { ...evaluation, dataset: evaluation.dataset || null },
    samples: { ...form.samples, prompts: form.samples.prompts.filter((prompt) => prompt.trim() !== "") },
    export: {
      ...form.export,
      adapter: adapters.length > 0 && form.export.adapter ? form.export.adapter : null,
      // What is published must be exported; nobody should have to say it twice.
      gguf:
        publishing && !form.export.gguf.includes(publish.gguf) ? [...form.export.gguf, publish.gguf] : form.export.gguf,
    },
    publish: publishing
      ? {
          name: publish.name,
          gguf: publish.gguf,
          system: publish.system.trim() ? publish.system : null,
          parameters: parameters.ok ? parameters.values : {},
        }
      : null,
  };
  // The form holds the settings of all kinds side by side; the spec has those of the kind that is chosen.
  const parsed = RunSpec.safeParse(withoutUnknown(RunSpec, candidate));
  const parameterError = publishing && !parameters.ok ? parameters.error : null;
  if (parsed.success && !parameterError) return { ok: true, spec: parsed.data };
  const issues = parsed.success
    ? []
    : parsed.error.issues.map((issue) => ({
        path: fieldOf(issue.path.map(String)),
        issue: issue as SpecIssue["issue"],
      }));
  return { ok: false, issues, parameterError };
}

// A path of the spec as the field that shows it: parts of a list belong to the list.
export function fieldOf(path: readonly string[] | string): string {
  const parts = typeof path === "string" ? path.split(".") : path;
  const named = parts.filter((part) => !/^\d+$/.test(part)).join(".");
  if (named === "memoryBudgetBytes") return "memoryBudgetGiB";
  if (named === "export.gguf" || named === "export") return "export.gguf";
  if (named.startsWith("publish.parameters")) return "publish.parameters";
  if (named === "publish") return "publish.name";
  if (named === "earlyStopping") return "stoppingEarly";
  if (named === "method") return "method.kind";
  if (named === "objective") return "objective.kind";
  if (named.startsWith("adapters")) return "adapters";
  if (named.startsWith("sourceWeights")) return "sourceWeights";
  if (named === "evaluation") return "evaluation.dataset";
  return named;
}

// The plan needs none of the long texts, and a query travels in an address of limited length.
export function specForPlan(spec: RunSpec): RunSpec {
  return {
    ...spec,
    samples: { ...spec.samples, prompts: [] },
    publish: spec.publish ? { ...spec.publish, system: null, parameters: {} } : null,
  };
}
