import {
  automaticAnswerTokens,
  countSteps,
  type FitSuggestion,
  type ModelFacts,
  type Problem,
  type ResolvedInputs,
  type RunPlan,
  type RunSpec,
  ServiceError,
  say,
  told,
} from "@anneal/contracts";
import type { WorkContext } from "../../context.ts";
import { checkVersion } from "../../datasets/check-version.ts";
import { findVersion, type VersionRow } from "../../datasets/find-version.ts";
import { readFacts } from "../../models/facts.ts";
import { atField, foreignError } from "../../models/foreign-error.ts";
import { resolveStartAdapters, type StartAdapters, startFolders } from "../../models/resolve-adapter.ts";
import { resolveBase } from "../../models/resolve-base.ts";
import { textModelOf } from "../../models/text-model.ts";
import type { ResolvedBase } from "../../ports.ts";
import { findReady } from "../../teacher-files/find-ready.ts";
import { adapterProblems, adapterWarnings } from "./adapter-problems.ts";
import { diskFree, diskNeed } from "./disk.ts";
import { enginePlan, toMemoryPlan } from "./engine-plan.ts";
import { fit } from "./fit.ts";
import { memoryBudget } from "./memory-budget.ts";
import { dataProblems, diskProblem, memoryProblem, modelProblems } from "./problems.ts";
import { rowProblems, sourceProblems } from "./row-problems.ts";
import { measuredSpeed } from "./speed.ts";
import { planSplit } from "./split.ts";
import { suggestFits } from "./suggest.ts";
import { teacherFileProblems, teacherProblems } from "./teacher-problems.ts";
import { thisWorker } from "./this-worker.ts";
import { planTime } from "./time.ts";
import { tokenProblems } from "./token-problems.ts";

export interface Planned {
  plan: RunPlan;
  base: ResolvedBase;
  dataset: VersionRow;
  evaluation: VersionRow | null;
  starts: StartAdapters;
  teacher: ResolvedBase | null;
  teacherFile: { id: string; digest: string } | null;
}

const examples = 10;

/** What an automatic cap of answers will about be: the longest answer, of which only the mean is known before a run. */
const automaticCap = (meanTokens: number): number =>
  Math.max(automaticAnswerTokens.least, Math.min(automaticAnswerTokens.most, Math.ceil(1.5 * meanTokens)));

/** The first problem that leaves no plan to show: thrown, with all of them in its details. */
function stop(problems: Problem[]): void {
  const [first] = problems;
  if (!first) return;
  throw ServiceError.of(first, { details: { problems } });
}

/** Whom a distillation learns from: a model, or what one has said before. */
async function teacherOf(ctx: WorkContext, { objective }: RunSpec) {
  if (objective.kind !== "distill") return { teacher: null, teacherFile: null };
  const { teacher, teacherFile } = objective;
  return {
    teacher: teacher
      ? await resolveBase(ctx, teacher).catch((error: unknown) => {
          throw atField(error, "objective.teacher");
        })
      : null,
    teacherFile: teacherFile ? await findReady(ctx, teacherFile) : null,
  };
}

/** The one place where the names in a spec become files. */
export async function resolveInputs(ctx: WorkContext, spec: RunSpec) {
  const dataset = await findVersion(ctx, spec.dataset, "dataset");
  const evaluation = spec.evaluation.dataset
    ? await findVersion(ctx, spec.evaluation.dataset, "evaluation.dataset")
    : null;
  if (evaluation && evaluation.digest === dataset.digest)
    throw new ServiceError("INVALID_INPUT", say`evaluation.dataset: it holds the very rows that are trained`, {
      field: "evaluation.dataset",
      remedy: say`choose held-out rows, or leave it empty: a part of the dataset is then set apart`,
    });
  const base = await resolveBase(ctx, spec.base);
  const { teacher, teacherFile } = await teacherOf(ctx, spec);
  const starts = await resolveStartAdapters(ctx, base.source, spec);
  return { dataset, evaluation, base, teacher, teacherFile, starts };
}

async function teacherFits(ctx: WorkContext, facts: ModelFacts, base: ResolvedBase, teacher: ResolvedBase) {
  const mine = await textModelOf(ctx, base.source);
  try {
    const theirs = await textModelOf(ctx, teacher.source);
    return await teacherProblems(facts, await readFacts(ctx, teacher.source), (count) =>
      ctx.text.firstDifference(mine, theirs, count),
    );
  } catch (error) {
    throw atField(foreignError(error, "objective.teacher"), "objective.teacher");
  }
}

/**
 * Everything that can be known before a run: bytes, steps, seconds, disk, what the data becomes. `runs.plan` shows it,
 * `runs.create` refuses what it finds wanting; both go through here.
 */
export async function makePlan(
  ctx: WorkContext,
  spec: RunSpec,
  options: { waitForSpeedMilliseconds: number },
): Promise<Planned> {
  const inputs = await resolveInputs(ctx, spec);
  const { dataset, evaluation, base, teacher, teacherFile, starts } = inputs;
  const facts = await readFacts(ctx, base.source).catch((error: unknown) => {
    throw foreignError(error, "base");
  });
  const engine: ResolvedInputs = {
    base: base.source,
    linearNames: facts.linearNames,
    teacher: teacher?.source ?? null,
    teacherTopK: teacherFile?.topK ?? null,
    ...startFolders(starts),
  };
  stop([
    ...modelProblems(spec, facts),
    ...rowProblems(spec, dataset, evaluation),
    ...adapterProblems(spec, starts, facts),
    ...(teacher ? await teacherFits(ctx, facts, base, teacher) : []),
    ...(teacherFile
      ? teacherFileProblems(teacherFile.facts, {
          ...(await ctx.text.facts(await textModelOf(ctx, base.source), facts.vocabularySize)),
          dataset: dataset.digest,
          maxSequenceTokens: spec.maxSequenceTokens,
        })
      : []),
  ]);
  const tokens = await tokenProblems(ctx, spec, base.source, facts);
  stop(tokens.problems);
  const planned = enginePlan(ctx, spec, engine);
  const rowsOf = (version: VersionRow) =>
    checkVersion(ctx, version, base.source, {
      maxSequenceTokens: spec.maxSequenceTokens,
      examples,
      objective: spec.objective.kind,
      sourceWeights: spec.sourceWeights,
    });
  const data = await rowsOf(dataset);
  // Held-out rows are read for tokens without a row of the embedding, where there are such tokens.
  if (evaluation && tokens.more) await rowsOf(evaluation);
  const problems = [...dataProblems(spec, data), ...sourceProblems(spec, data)];

  const budgetBytes = await memoryBudget(ctx, spec);
  const fits = planned.totalBytes <= budgetBytes;
  const planOf = (changed: RunSpec) => {
    try {
      return enginePlan(ctx, changed, engine);
    } catch (error) {
      if (error instanceof ServiceError) return null; // a setting the engine refuses is no suggestion
      throw error;
    }
  };
  let suggestions: FitSuggestion[] = [];
  if (!fits) {
    const { longestTokens } = data;
    const plannedBytes = (changed: RunSpec) => planOf(changed)?.totalBytes ?? null;
    suggestions = await suggestFits({ spec, budgetBytes, longestTokens, plannedBytes });
    problems.push(memoryProblem(planned.totalBytes, budgetBytes, suggestions));
  }

  const { split, warnings } = await planSplit(spec, dataset, evaluation);
  const heldOut = split.excluded.size;
  const share = data.rows === 0 ? 0 : (data.rows - data.zeroTargetRows) / data.rows; // rows without loss are left out
  const trainRows = Math.max(1, Math.round((dataset.rows - heldOut) * share));
  const { totalSteps, note: stepsNote } = countSteps({ ...spec, rows: trainRows });
  const meanRowTokens = data.tokens / Math.max(1, data.rows);
  // Side by side every adapter takes its own rows, and is asked as one alone would be.
  const models = Math.max(1, spec.adapters.length);
  const tokensPerStep = models * Math.min(spec.batchRows, trainRows) * meanRowTokens;
  const found = await fit({ spec, budgetBytes, longestTokens: data.longestTokens, tokensPerStep, plan: planOf });
  const isAsked = found !== null && Object.keys(found.change).length === 0;
  const speed =
    problems.length > 0
      ? null
      : await measuredSpeed(ctx, spec, engine, {
          tokensPerStep,
          meanRowTokens,
          waitMilliseconds: options.waitForSpeedMilliseconds,
        });

  const diskBytes = diskNeed(
    spec,
    { parameters: facts.parameters, trainableParameters: planned.trainableParameters },
    data,
  );
  const diskFreeBytes = await diskFree(ctx.paths.runs);
  problems.push(...diskProblem(diskBytes, diskFreeBytes));
  const finalRows = Math.min(evaluation?.rows ?? heldOut, spec.evaluation.finalMaxRows);
  const meanAnswerTokens = data.supervisedTokens / Math.max(1, data.rows);
  const work = {
    steps: totalSteps,
    tokensPerStep,
    meanRowTokens,
    meanAnswerTokens,
    maxNewTokens: spec.evaluation.maxNewTokens ?? automaticCap(meanAnswerTokens),
    heldOutRows: finalRows,
    roundRows: Math.min(finalRows, spec.evaluation.maxRows),
    rounds: spec.evaluation.everySteps ? Math.floor(totalSteps / spec.evaluation.everySteps) : Math.min(10, totalSteps),
    models,
    writtenBytes: diskBytes,
  };
  const time = speed && planTime(spec, work, speed);
  const plan: RunPlan = {
    worker: await thisWorker(ctx),
    memory: toMemoryPlan(planned),
    budgetBytes,
    fits,
    suggestions,
    fastest: isAsked ? null : found,
    steps: totalSteps,
    ...told({ stepsNote }),
    tokensPerStep,
    secondsPerStep: speed?.secondsPerStep ?? null,
    totalSeconds: time && Object.values(time.parts).reduce((sum, part) => sum + part, 0),
    time,
    diskBytes,
    diskFreeBytes,
    data,
    problems,
    warnings: [...adapterWarnings(spec, starts, base.name), ...warnings],
  };
  return { plan, ...inputs };
}
