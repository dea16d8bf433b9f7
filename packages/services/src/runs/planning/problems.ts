import {
  allLinear,
  type DatasetCheck,
  type EngineCause,
  type FitSuggestion,
  type ModelFacts,
  type Problem,
  type RunSpec,
  say,
  told,
  type Words,
  wordsOf,
} from "@anneal/contracts";

const inGib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(2)} GiB`;

/** What the model itself cannot do with this spec; each names its field. */
export function modelProblems(spec: RunSpec, facts: ModelFacts): Problem[] {
  const problems: Problem[] = [];
  const refuse = (field: string, message: Words | EngineCause, remedy: Words) =>
    problems.push({ code: "INVALID_INPUT", field, ...told({ message: say`${field}: ${message}`, remedy }) });
  if (spec.method.kind === "lora") {
    const named = spec.method.targets.filter((target) => target !== allLinear);
    const unknown = named.filter((target) => !facts.linearNames.includes(target));
    if (unknown.length > 0)
      refuse(
        "method.targets",
        say`the model has no ${unknown.join(", ")}`,
        say`choose from ${facts.linearNames.join(", ")}, or ${allLinear}`,
      );
    const twice = named.find((target, i) => named.indexOf(target) !== i);
    if (twice) refuse("method.targets", say`${twice} is named twice`, say`name each layer once`);
  }
  if (spec.baseStorage === "blocks" && !/^(mixed )?I?Q\d/.test(facts.quantisation))
    refuse(
      "baseStorage",
      say`the model's weights are ${facts.quantisation}, not blocks of a quantised GGUF file`,
      say`choose dense, int8 or nf4, or a quantised GGUF file as the base`,
    );
  if (spec.routerAuxWeight > 0 && !/moe|deepseek_v/.test(facts.family))
    refuse("routerAuxWeight", say`${facts.family} has no experts to balance`, say`set it to 0`);
  if (spec.export.gguf.length > 0 && facts.ggufProblem)
    refuse("export.gguf", facts.ggufProblem, say`leave export.gguf and publish empty, and set export.merged`);
  if (spec.maxSequenceTokens > facts.contextTokens)
    refuse(
      "maxSequenceTokens",
      say`${spec.maxSequenceTokens} is above the model's context of ${facts.contextTokens} tokens`,
      say`set it to ${facts.contextTokens} or less`,
    );
  return problems;
}

export function dataProblems(spec: RunSpec, data: DatasetCheck): Problem[] {
  if (data.supervisedTokens > 0) return [];
  if (data.unfollowedRows > 0 && data.unfollowedRows >= data.zeroTargetRows)
    return [
      {
        code: "NOTHING_TO_TRAIN",
        field: "dataset",
        ...told({
          message: say`dataset: none of its ${data.rows} [row|rows] has an answer that follows the prompt that serving sends`,
          remedy: say`give each answer its thought, in ${"reasoning_content"} or between the think marks of its content, where it may be empty`,
        }),
      },
    ];
  const cut = data.truncatedRows > 0 && data.truncatedRows >= data.zeroTargetRows;
  return [
    {
      code: "NOTHING_TO_TRAIN",
      field: "dataset",
      ...told({
        message: cut
          ? say`dataset: none of its ${data.rows} [row|rows] has a token that is trained within ${spec.maxSequenceTokens} [token|tokens]`
          : say`dataset: none of its ${data.rows} [row|rows] has a token that is trained`,
        remedy: cut
          ? say`raise maxSequenceTokens, or shorten the questions: the answers are cut off`
          : say`give the conversations answers of the assistant without weight 0`,
      }),
    },
  ];
}

export function memoryProblem(totalBytes: number, budgetBytes: number, suggestions: FitSuggestion[]): Problem {
  const offers = suggestions.map((offer) => say`${wordsOf(offer, "words")} (${inGib(offer.totalBytes)})`);
  return {
    code: "DOES_NOT_FIT",
    field: "microBatchTokens",
    ...told({
      message: say`the run needs ${inGib(totalBytes)} of memory; ${inGib(budgetBytes)} are there for it`,
      remedy:
        offers.length > 0
          ? offers.reduce((all, offer) => say`${all}; or ${offer}`)
          : say`no setting of this model fits: choose a smaller model, or a machine with more memory`,
    }),
    details: { suggestions },
  };
}

export function diskProblem(needBytes: number, freeBytes: number): Problem[] {
  if (needBytes <= freeBytes) return [];
  return [
    {
      code: "DOES_NOT_FIT",
      field: "checkpoints.keepLast",
      ...told({
        message: say`the run needs ${inGib(needBytes)} of disk; ${inGib(freeBytes)} are free`,
        remedy: say`free some space, keep fewer checkpoints, or export fewer files`,
      }),
    },
  ];
}
