import { type Phrase, type RunSpec, say, type TrainerTeacherFile, type Words, warmupOf } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";

type Setting = NonNullable<ReportInput["settings"]>[number];

function methodText(method: RunSpec["method"]): Words {
  if (method.kind === "full") return method.freeze.length > 0 ? say`full, without ${method.freeze.join(", ")}` : "full";
  const { rank, alpha, dropout, rsLora, dora, loraPlusRatio, targets, startFrom } = method;
  const kind = dora ? "DoRA" : "LoRA";
  const scaled = rsLora ? say`${kind} (rank-stabilised)` : kind;
  const sized = say`${scaled}, rank ${rank}, alpha ${alpha}, dropout ${dropout}, on ${targets.join(", ")}`;
  const rates = loraPlusRatio === 1 ? sized : say`${sized}, learning rate of B times ${loraPlusRatio}`;
  return startFrom ? say`${rates}, from the adapter ${startFrom}` : rates;
}

/** An adapter's name and, where it went on from one, whose. */
const sideText = ({ name, startFrom }: RunSpec["adapters"][number]): string =>
  startFrom ? `${name} (from ${startFrom})` : name;

/** A choice with its settings: "dpo, beta 0.1, labelSmoothing 0". */
const listed = ({ kind, ...rest }: { kind: string } & Record<string, unknown>): string =>
  [kind, ...Object.entries(rest).flatMap(([name, value]) => (value === null ? [] : `${name} ${value}`))].join(", ");

/** A teacher's file by what a reader knows it by, instead of its id. */
function objectiveText(objective: RunSpec["objective"], teacher: TrainerTeacherFile | null): Words {
  if (objective.kind !== "distill" || !teacher) return listed(objective);
  const { teacherFile: _, ...rest } = objective;
  return say`${listed(rest)}, from the best ${teacher.topK} log-probabilities in the file "${teacher.name}" (${teacher.digest})`;
}

function scheduleText(spec: RunSpec, totalSteps: number): Words {
  const { schedule, learningRate } = spec;
  const { kind, minRatio, cycles, power, decayShare, factor, patience } = schedule;
  const own: Partial<Record<typeof kind, Phrase>> = {
    cosine_restarts: say`${cycles} [cycle|cycles]`,
    polynomial: say`power ${power}`,
    wsd: say`decay over the last ${decayShare}`,
    plateau: say`times ${factor} after ${patience} [evaluation|evaluations] without improvement`,
  };
  const shape = own[kind];
  const named = shape ? say`${learningRate}, ${kind}, ${shape}` : say`${learningRate}, ${kind}`;
  const floored = minRatio > 0 ? say`${named}, down to ${minRatio} of it` : named;
  return say`${floored}, warm-up steps: ${warmupOf(spec, totalSteps)}`;
}

const off = say`off`;
const yesOrNo = (is: boolean) => (is ? say`yes` : say`no`);

function lengthText({ epochs, maxSteps }: RunSpec): Words {
  if (maxSteps === null) return String(epochs ?? 1);
  return epochs === null
    ? say`as many as ${maxSteps} [step needs|steps need]`
    : say`${epochs}, at most ${maxSteps} [step|steps]`;
}

function guardText({ nonFinite, spikeFactor }: RunSpec["guards"]): Words {
  const values = nonFinite ? say`values that are not finite` : off;
  return spikeFactor ? say`${values}; losses above ${spikeFactor} times the mean` : values;
}

/** The settings of a run as the report lists them. */
export function reportSettings(spec: RunSpec, teacherFile: TrainerTeacherFile | null, totalSteps: number): Setting[] {
  const { earlyStopping, guards } = spec;
  const [method, optimizer, data] = [say`Method`, say`Optimizer`, say`Data`];
  const rows: (readonly [group: Phrase, name: Phrase, value: Words | number])[] = [
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
    [optimizer, say`clipping`, spec.clipNorm === 0 ? off : say`global norm ${spec.clipNorm}`],
    [optimizer, say`noise on embeddings`, spec.neftuneAlpha === 0 ? off : `NEFTune, alpha ${spec.neftuneAlpha}`],
    [optimizer, say`balancing of experts`, spec.routerAuxWeight === 0 ? off : say`weight ${spec.routerAuxWeight}`],
    [
      optimizer,
      say`early stopping`,
      earlyStopping
        ? say`after ${earlyStopping.patience} [evaluation|evaluations] without ${earlyStopping.minDelta} less loss`
        : off,
    ],
    [
      optimizer,
      say`kept weights`,
      spec.checkpoints.restoreBest ? say`those of the lowest held-out loss` : say`the last`,
    ],
    [optimizer, say`guard`, guardText(guards)],
    [data, say`epochs`, lengthText(spec)],
    [data, say`rows of a step`, spec.batchRows],
    [data, say`tokens of a micro-batch`, spec.microBatchTokens],
    [data, say`longest sequence`, spec.maxSequenceTokens],
    [data, say`packing`, yesOrNo(spec.packing)],
    [data, say`rows of like length together`, yesOrNo(spec.lengthGrouping)],
    [data, say`seed`, spec.seed],
  ];
  return rows.map(([group, name, value]) => ({
    group,
    name,
    value: typeof value === "number" ? String(value) : value,
  }));
}
