import type { Problem, RunSpec } from "@anneal/contracts";

const builtGguf = new Set(["F16", "BF16", "Q8_0", "Q4_K_M"]);

/** What the spec can say and this build's engine cannot do yet. A line goes when the engine's part comes. */
export function unbuiltProblems(spec: RunSpec): Problem[] {
  const problems: Problem[] = [];
  const refuse = (field: string, value: unknown, remedy: string) =>
    problems.push({ code: "UNSUPPORTED", field, message: `${field}: ${value} is not in this build`, remedy });
  const { method, objective, optimizer } = spec;
  if (!["f32", "bf16"].includes(spec.precision)) refuse("precision", spec.precision, "choose bf16 or f32");
  if (spec.baseStorage !== "dense") refuse("baseStorage", spec.baseStorage, "choose dense");
  if (method.kind === "lora" && method.dora) refuse("method.dora", "DoRA", "switch it off");
  if (method.kind === "lora" && method.loraPlusRatio !== 1) refuse("method.loraPlusRatio", "LoRA+", "set it to 1");
  if (method.kind === "full" && method.freeze.length > 0) refuse("method.freeze", "freezing", "leave it empty");
  if (optimizer.kind !== "adamw") refuse("optimizer.kind", optimizer.kind, "choose adamw");
  if (objective.kind !== "sft") refuse("objective.kind", objective.kind, "choose sft");
  else if (objective.labelSmoothing > 0) refuse("objective.labelSmoothing", "label smoothing", "set it to 0");
  else if (objective.zLoss > 0) refuse("objective.zLoss", "z-loss", "set it to 0");
  if (spec.neftuneAlpha > 0) refuse("neftuneAlpha", "NEFTune", "set it to 0");
  if (spec.routerAuxWeight > 0) refuse("routerAuxWeight", "the router loss", "set it to 0");
  const missing = spec.export.gguf.filter((type) => !builtGguf.has(type));
  if (missing.length > 0) refuse("export.gguf", missing.join(", "), `choose from ${[...builtGguf].join(", ")}`);
  return problems;
}
