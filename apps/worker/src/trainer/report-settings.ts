import type { RunSpec } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";

type Setting = NonNullable<ReportInput["settings"]>[number];

function methodText(method: RunSpec["method"]): string {
  if (method.kind === "full") return "full";
  const { rank, alpha, dropout, rsLora, targets } = method;
  return `LoRA, rank ${rank}, alpha ${alpha}, dropout ${dropout}${rsLora ? ", rsLoRA" : ""}, on ${targets.join(", ")}`;
}

/** The settings of a run as the report lists them. */
export function reportSettings(spec: RunSpec): Setting[] {
  const { optimizer, schedule } = spec;
  const rows: [group: string, name: string, value: string | number | boolean][] = [
    ["Method", "method", methodText(spec.method)],
    ["Method", "precision", spec.precision],
    ["Method", "gradient checkpointing", spec.gradientCheckpointing],
    ["Optimizer", "optimizer", `AdamW, betas ${optimizer.beta1} and ${optimizer.beta2}, epsilon ${optimizer.epsilon}`],
    ["Optimizer", "weight decay", optimizer.weightDecay],
    ["Optimizer", "learning rate", `${spec.learningRate}, ${schedule.kind}, ${schedule.warmupSteps} warm-up steps`],
    ["Optimizer", "clipping", spec.clipNorm === 0 ? "off" : `global norm ${spec.clipNorm}`],
    ["Data", "epochs", spec.maxSteps === null ? spec.epochs : `${spec.epochs}, at most ${spec.maxSteps} steps`],
    ["Data", "rows of a step", spec.batchRows],
    ["Data", "tokens of a micro-batch", spec.microBatchTokens],
    ["Data", "longest sequence", spec.maxSequenceTokens],
    ["Data", "packing", spec.packing],
    ["Data", "seed", spec.seed],
  ];
  return rows.map(([group, name, value]) => ({ group, name, value: String(value) }));
}
