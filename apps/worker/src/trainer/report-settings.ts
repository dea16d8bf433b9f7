import { type Phrase, type RunSpec, say, type TrainerTeacherFile, warmupOf } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";

type Setting = NonNullable<ReportInput["settings"]>[number];

function methodText(method: RunSpec["method"]): string {
  if (method.kind === "full") return method.freeze.length > 0 ? `full, without ${method.freeze.join(", ")}` : "full";
  const { rank, alpha, dropout, rsLora, dora, loraPlusRatio, targets, startFrom } = method;
  const kind = [dora ? "DoRA" : "LoRA", ...(rsLora ? ["rank-stabilised"] : [])].join(", ");
  const plus = loraPlusRatio === 1 ? "" : `, learning rate of B times ${loraPlusRatio}`;
  const from = startFrom ? `, from the adapter ${startFrom}` : "";
  return `${kind}, rank ${rank}, alpha ${alpha}, dropout ${dropout}${plus}, on ${targets.join(", ")}${from}`;
}

/** An adapter's name and, where it went on from one, whose. */
const sideText = ({ name, startFrom }: RunSpec["adapters"][number]): string =>
  startFrom ? `${name} (from ${startFrom})` : name;

/** A choice with its settings: "dpo, beta 0.1, labelSmoothing 0". */
const listed = ({ kind, ...rest }: { kind: string } & Record<string, unknown>): string =>
  [kind, ...Object.entries(rest).flatMap(([name, value]) => (value === null ? [] : `${name} ${value}`))].join(", ");

/** A teacher's file by what a reader knows it by, instead of its id. */
function objectiveText(objective: RunSpec["objective"], teacher: TrainerTeacherFile | null): string {
  if (objective.kind !== "distill" || !teacher) return listed(objective);
  const { teacherFile: _, ...rest } = objective;
  return `${listed(rest)}, from the best ${teacher.topK} log-probabilities in the file "${teacher.name}" (${teacher.digest})`;
}

function scheduleText(spec: RunSpec, totalSteps: number): string {
  const { schedule, learningRate } = spec;
  const warmupSteps = warmupOf(spec, totalSteps);
  const { kind, minRatio, cycles, power, decayShare, factor, patience } = schedule;
  const own: Partial<Record<typeof kind, string>> = {
    cosine_restarts: `, ${cycles} cycles`,
    polynomial: `, power ${power}`,
    wsd: `, decay over the last ${decayShare}`,
    plateau: `, times ${factor} after ${patience} evaluations without improvement`,
  };
  return `${learningRate}, ${kind}${own[kind] ?? ""}${minRatio > 0 ? `, down to ${minRatio} of it` : ""}, ${warmupSteps} warm-up ${warmupSteps === 1 ? "step" : "steps"}`;
}

/** The settings of a run as the report lists them. */
export function reportSettings(spec: RunSpec, teacherFile: TrainerTeacherFile | null, totalSteps: number): Setting[] {
  const { earlyStopping, guards } = spec;
  const [method, optimizer, data] = [say`Method`, say`Optimizer`, say`Data`];
  const rows: (readonly [group: Phrase, name: Phrase, value: string | number | boolean])[] = [
    [method, say`method`, methodText(spec.method)],
    ...(spec.adapters.length === 0
      ? []
      : [[method, say`adapters side by side`, spec.adapters.map(sideText).join(", ")] as const]),
    [method, say`objective`, objectiveText(spec.objective, teacherFile)],
    [method, say`precision`, spec.precision],
    [method, say`base in memory`, spec.baseStorage],
    [method, say`gradient checkpointing`, spec.gradientCheckpointing],
    [optimizer, say`optimizer`, listed(spec.optimizer)],
    [optimizer, say`learning rate`, scheduleText(spec, totalSteps)],
    [optimizer, say`clipping`, spec.clipNorm === 0 ? "off" : `global norm ${spec.clipNorm}`],
    [optimizer, say`noise on embeddings`, spec.neftuneAlpha === 0 ? "off" : `NEFTune, alpha ${spec.neftuneAlpha}`],
    [optimizer, say`balancing of experts`, spec.routerAuxWeight === 0 ? "off" : `weight ${spec.routerAuxWeight}`],
    [
      optimizer,
      say`early stopping`,
      earlyStopping ? `after ${earlyStopping.patience} evaluations without ${earlyStopping.minDelta} less loss` : "off",
    ],
    [optimizer, say`kept weights`, spec.checkpoints.restoreBest ? "those of the lowest held-out loss" : "the last"],
    [
      optimizer,
      say`guard`,
      `${guards.nonFinite ? "values that are not finite" : "off"}${guards.spikeFactor ? `, losses above ${guards.spikeFactor} times the mean` : ""}`,
    ],
    [
      data,
      say`epochs`,
      spec.maxSteps === null
        ? (spec.epochs ?? 1)
        : spec.epochs === null
          ? `${spec.maxSteps} steps`
          : `${spec.epochs}, at most ${spec.maxSteps} steps`,
    ],
    [data, say`rows of a step`, spec.batchRows],
    [data, say`tokens of a micro-batch`, spec.microBatchTokens],
    [data, say`longest sequence`, spec.maxSequenceTokens],
    [data, say`packing`, spec.packing],
    [data, say`rows of like length together`, spec.lengthGrouping],
    [data, say`seed`, spec.seed],
  ];
  return rows.map(([group, name, value]) => ({ group, name, value: String(value) }));
}
