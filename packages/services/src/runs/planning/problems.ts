import {
  allLinear,
  type DatasetCheck,
  type FitSuggestion,
  type ModelFacts,
  type Problem,
  type RunSpec,
} from "@anneal/contracts";

const inGib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(2)} GiB`;

/** What the model itself cannot do with this spec; each names its field. */
export function modelProblems(spec: RunSpec, facts: ModelFacts): Problem[] {
  const problems: Problem[] = [];
  const refuse = (field: string, message: string, remedy: string) =>
    problems.push({ code: "INVALID_INPUT", field, message: `${field}: ${message}`, remedy });
  if (spec.method.kind === "lora") {
    const named = spec.method.targets.filter((target) => target !== allLinear);
    const unknown = named.filter((target) => !facts.linearNames.includes(target));
    if (unknown.length > 0)
      refuse(
        "method.targets",
        `the model has no ${unknown.join(", ")}`,
        `choose from ${facts.linearNames.join(", ")}, or ${allLinear}`,
      );
    const twice = named.find((target, i) => named.indexOf(target) !== i);
    if (twice) refuse("method.targets", `${twice} is named twice`, "name each layer once");
  }
  if (spec.baseStorage === "blocks" && !/^(mixed )?I?Q\d/.test(facts.quantisation))
    refuse(
      "baseStorage",
      `the model's weights are ${facts.quantisation}, not blocks of a quantised GGUF file`,
      "choose dense, int8 or nf4, or a quantised GGUF file as the base",
    );
  if (spec.routerAuxWeight > 0 && !/moe|deepseek_v/.test(facts.family))
    refuse("routerAuxWeight", `${facts.family} has no experts to balance`, "set it to 0");
  if (spec.export.gguf.length > 0 && facts.ggufProblem)
    refuse("export.gguf", facts.ggufProblem, "leave export.gguf and publish empty, and set export.merged");
  if (spec.maxSequenceTokens > facts.contextTokens)
    refuse(
      "maxSequenceTokens",
      `${spec.maxSequenceTokens} is above the model's context of ${facts.contextTokens} tokens`,
      `set it to ${facts.contextTokens} or less`,
    );
  return problems;
}

export function dataProblems(spec: RunSpec, data: DatasetCheck): Problem[] {
  if (data.supervisedTokens > 0) return [];
  const cut = data.truncatedRows > 0 && data.truncatedRows >= data.zeroTargetRows;
  return [
    {
      code: "NOTHING_TO_TRAIN",
      field: "dataset",
      message: `dataset: none of its ${data.rows} rows has a token that is trained${cut ? ` within ${spec.maxSequenceTokens} tokens` : ""}`,
      remedy: cut
        ? "raise maxSequenceTokens, or shorten the questions: the answers are cut off"
        : "give the conversations answers of the assistant without weight 0",
    },
  ];
}

export function memoryProblem(totalBytes: number, budgetBytes: number, suggestions: FitSuggestion[]): Problem {
  const [first] = suggestions;
  return {
    code: "DOES_NOT_FIT",
    field: "microBatchTokens",
    message: `the run needs ${inGib(totalBytes)} of memory; ${inGib(budgetBytes)} are there for it`,
    remedy: first
      ? suggestions.map(({ words, totalBytes: bytes }) => `${words} (${inGib(bytes)})`).join("; or ")
      : "no setting of this model fits: choose a smaller model, or a machine with more memory",
    details: { suggestions },
  };
}

export function diskProblem(needBytes: number, freeBytes: number): Problem[] {
  if (needBytes <= freeBytes) return [];
  return [
    {
      code: "DOES_NOT_FIT",
      field: "checkpoints.keepLast",
      message: `the run needs ${inGib(needBytes)} of disk; ${inGib(freeBytes)} are free`,
      remedy: "free some space, keep fewer checkpoints, or export fewer files",
    },
  ];
}
