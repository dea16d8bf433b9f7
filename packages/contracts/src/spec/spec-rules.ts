import { type Phrase, say } from "../phrase/phrase.ts";
import { mostAdapters, type SideAdapter } from "./adapters.ts";
import { type EarlyStopping, isPreference, type Method, type ObjectiveSpec, type ScheduleSpec } from "./training.ts";

// Rules over several fields of a run's spec; each names the field that a person would change.

interface Ruled {
  method: Method;
  adapters: readonly SideAdapter[];
  objective: ObjectiveSpec;
  precision: string;
  baseStorage: string;
  optimizer: { kind: string; momentum?: number; nesterov?: boolean };
  schedule: ScheduleSpec;
  maxSequenceTokens: number;
  microBatchTokens: number;
  packing: boolean;
  lengthGrouping: boolean;
  neftuneAlpha: number;
  sourceWeights: Record<string, number>;
  earlyStopping: EarlyStopping | null;
  evaluation: { dataset: string | null; heldOutFraction: number };
  checkpoints: { keepBest: boolean; restoreBest: boolean };
  export: { gguf: string[]; adapter: string | null };
  publish: { gguf: string } | null;
}

export interface BrokenRule {
  path: string;
  phrase: Phrase;
}

export function brokenRules(spec: Ruled): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const refuse = (path: string, phrase: Phrase) => broken.push({ path, phrase });
  const { method, objective, optimizer, schedule } = spec;

  // kto's second sequence is the same question with another row's answer.
  const sequences = isPreference(objective.kind) ? 2 : 1;
  if (spec.maxSequenceTokens * sequences > spec.microBatchTokens)
    refuse(
      "microBatchTokens",
      sequences === 1
        ? say`a micro-batch of ${spec.microBatchTokens} tokens cannot hold a sequence of ${spec.maxSequenceTokens}; raise microBatchTokens or lower maxSequenceTokens`
        : say`a micro-batch of ${spec.microBatchTokens} tokens cannot hold a pair of sequences of ${spec.maxSequenceTokens}; raise microBatchTokens to ${2 * spec.maxSequenceTokens} or lower maxSequenceTokens`,
    );
  if (spec.publish && !spec.export.gguf.includes(spec.publish.gguf))
    refuse("publish.gguf", say`${spec.publish.gguf} is not among export.gguf; add it there`);

  if (method.kind === "full") {
    if (spec.baseStorage !== "dense")
      refuse(
        "baseStorage",
        say`${spec.baseStorage} weights cannot be trained themselves; choose dense, or LoRA as the method`,
      );
  } else {
    const named = method.targets.filter((target) => target !== "all-linear");
    if (named.length > 0 && named.length < method.targets.length)
      refuse("method.targets", say`all-linear already includes ${named.join(", ")}; name either`);
  }
  if (optimizer.kind === "sgd" && optimizer.nesterov && !optimizer.momentum)
    refuse("optimizer.nesterov", say`needs a momentum above 0; set optimizer.momentum, for example to 0.9`);
  if (isPreference(objective.kind) && spec.neftuneAlpha > 0)
    refuse("neftuneAlpha", say`noise would blur the comparison that ${objective.kind} makes; set it to 0`);

  if (isPreference(objective.kind) && Object.keys(spec.sourceWeights).length > 0)
    refuse("sourceWeights", say`${objective.kind} weighs whole answers, not tokens; leave it empty`);

  if (objective.kind === "distill") {
    if (objective.teacher === null && objective.teacherFile === null)
      refuse(
        "objective.teacher",
        say`choose a teacher, or name a file of its log-probabilities as objective.teacherFile`,
      );
    if (objective.teacher !== null && objective.teacherFile !== null)
      refuse("objective.teacherFile", say`is named beside objective.teacher; leave one of them out`);
    if (objective.teacherFile !== null && objective.divergence === "reverse_kl")
      refuse(
        "objective.divergence",
        say`reverse_kl needs the probability of every token, a recorded teacher file holds only the top-k; choose forward_kl or jsd`,
      );
  }

  const evaluates = spec.evaluation.dataset !== null || spec.evaluation.heldOutFraction > 0;
  if (!evaluates) {
    const why = say`needs held-out rows; set evaluation.heldOutFraction above 0 or name evaluation.dataset`;
    if (schedule.kind === "plateau") refuse("schedule.kind", say`plateau ${why}`);
    if (spec.earlyStopping) refuse("earlyStopping", why);
    if (spec.checkpoints.restoreBest) refuse("checkpoints.restoreBest", why);
  }
  if (spec.checkpoints.restoreBest && !spec.checkpoints.keepBest)
    refuse("checkpoints.restoreBest", say`needs the best checkpoint; switch checkpoints.keepBest on`);
  return [...broken, ...brokenAdapterRules(spec)];
}

/** What does not go with several adapters side by side. */
function brokenAdapterRules({ adapters, method, objective, ...spec }: Ruled): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const refuse = (path: string, phrase: Phrase) => broken.push({ path, phrase });
  const names = adapters.map(({ name }) => name);
  const { adapter } = spec.export;
  if (adapter !== null && !names.includes(adapter))
    refuse("export.adapter", say`${adapter} is none of the adapters; name one of them, or leave it empty for the best`);
  if (adapters.length === 0) return broken;
  if (adapters.length === 1)
    refuse(
      "adapters",
      say`side by side are 2 to ${mostAdapters}; leave the list empty and set rank and rate of the one`,
    );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) refuse("adapters", say`${twice} is named twice; give each adapter a name of its own`);
  if (method.kind === "full") refuse("adapters", say`full training has no adapters; choose LoRA as the method`);
  else {
    if (method.dora)
      refuse("method.dora", say`is not for several adapters at once; switch it off, or leave adapters empty`);
    if (method.startFrom !== null)
      refuse(
        "method.startFrom",
        say`continues from one adapter; leave it empty and give each of the adapters its own startFrom`,
      );
  }
  if (objective.kind !== "sft")
    refuse("objective.kind", say`${objective.kind} trains one adapter; choose sft, or leave adapters empty`);
  return broken;
}
