import {
  type DatasetRow,
  messagesOf,
  ServiceError,
  say,
  type WorkInput,
  type WorkKind,
  type WorkOutput,
  type WorkProgress,
} from "@anneal/contracts";
import { importVersion, inspectFile, openVersion } from "@anneal/data";
import type { WorkContext } from "../context.ts";
import { checkVersion } from "../datasets/check-version.ts";
import { findVersion } from "../datasets/find-version.ts";
import { examine } from "../models/examine.ts";
import { listModels } from "../models/list-models.ts";
import { resolveBase } from "../models/resolve-base.ts";
import { pinInputs } from "../runs/pin-inputs.ts";
import { makePlan } from "../runs/planning/make-plan.ts";
import { kindProblem } from "../runs/planning/row-problems.ts";
import { storeVersionFile } from "../storage/version-file.ts";
import { checkMachine } from "../system/check-machine.ts";
import { checkTeacher } from "../teacher-files/check-teacher.ts";

export type TellProgress = (progress: WorkProgress) => void;
type Answers = {
  [K in WorkKind]: (ctx: WorkContext, input: WorkInput<K>, tell: TellProgress) => Promise<WorkOutput<K>>;
};

const mostCharacters = 32 * 1024 ** 2;
const lengthOf = (row: DatasetRow) => messagesOf(row).reduce((sum, { content }) => sum + content.length, 0);

async function readRows(
  ctx: WorkContext,
  { versionId, offset, limit }: WorkInput<"dataset.rows">,
): Promise<WorkOutput<"dataset.rows">> {
  const version = await findVersion(ctx, versionId, "versionId");
  const reader = await openVersion(version.path);
  try {
    const rows = await reader.read(offset, limit);
    const characters = rows.reduce((sum, row) => sum + lengthOf(row), 0);
    if (characters > mostCharacters)
      throw new ServiceError("INVALID_INPUT", say`limit: these ${rows.length} rows hold ${characters} characters`, {
        field: "limit",
        remedy: say`ask for fewer rows at once`,
      });
    return { rows, total: reader.rows };
  } finally {
    await reader.close();
  }
}

/** The work of every kind. Only workers bundle this: it reaches DuckDB and, through the ports, engine and tokenizers. */
export const answers: Answers = {
  "dataset.inspect": (ctx, { path, mapping, ...file }) =>
    inspectFile(path, { ...file, mapping: mapping ?? undefined, signal: ctx.signal }),
  async "dataset.import"(ctx, { path, ...file }, tell) {
    const options = { ...file, folder: ctx.paths.datasets, signal: ctx.signal, onProgress: tell };
    const { path: made, ...version } = await importVersion(path, options);
    return { ...version, files: await storeVersionFile(ctx, made) };
  },
  "dataset.rows": readRows,
  async "dataset.check"(ctx, { versionId, base, ...options }) {
    const version = await findVersion(ctx, versionId, "versionId");
    const problem = options.objective && kindProblem(options.objective, version.format, "objective");
    if (problem) throw ServiceError.of(problem);
    const { source } = await resolveBase(ctx, base);
    return checkVersion(ctx, version, source, options);
  },
  "model.list": (ctx) => listModels(ctx),
  "model.examine": (ctx, { ref, loadText }) => examine(ctx, ref, loadText),
  "teacher.check": checkTeacher,
  async "run.plan"(ctx, { spec, waitForSpeedMilliseconds, pin }) {
    const { plan, ...resolved } = await makePlan(ctx, spec, { waitForSpeedMilliseconds });
    const { base, dataset, evaluation } = resolved;
    return {
      plan,
      base,
      dataset: { id: dataset.id, datasetId: dataset.datasetId },
      evaluation: evaluation && { id: evaluation.id },
      inputs: pin && plan.problems.length === 0 ? await pinInputs(ctx, resolved) : null,
    };
  },
  "machine.check": checkMachine,
};

export const answer = <K extends WorkKind>(
  ctx: WorkContext,
  kind: K,
  input: WorkInput<K>,
  tell: TellProgress,
): Promise<WorkOutput<K>> => answers[kind](ctx, input, tell);
