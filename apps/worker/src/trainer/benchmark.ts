import { mkdirSync } from "node:fs";
import { cpus, release, type } from "node:os";
import { join } from "node:path";
import type { EvaluationResult, Quantisation, RunEventBody, RunSpec } from "@anneal/contracts";
import { engineInfo, type Session } from "@anneal/engine";
import { type ReportInput, renderReport } from "@anneal/report";
import type { Checkpoint } from "../run-directory/checkpoints.ts";
import { replaceFile } from "../run-directory/files.ts";
import { readJournal } from "../run-directory/journal-file.ts";
import { fileSlug, guard, isTold, tellFile } from "./artifacts.ts";
import { readCurves } from "./curves.ts";
import { matchRule } from "./held-out.ts";
import { type Job, ProgressTeller } from "./job.ts";
import type { Measured } from "./measure.ts";
import type { Prepared } from "./prepare.ts";
import { reportAdapters } from "./report-adapters.ts";
import { rankingRule, reportPreference, reportRows } from "./report-rows.ts";
import { reportSettings } from "./report-settings.ts";
import { benchmarkServing, type ServingFigures } from "./serving-benchmark.ts";
import { totals } from "./totals.ts";

interface Findings {
  before: Measured;
  measured: Measured; // after training, of the model that was exported
  result: EvaluationResult;
  end: Checkpoint; // of the last step
  chosen: Checkpoint; // whose weights were exported
}

/** Measures how the model answers, and writes the report beside the artefacts. */
export async function benchmark(job: Job, session: Session, prepared: Prepared, found: Findings): Promise<void> {
  const { runDirectory } = job.start;
  const folder = join(runDirectory, "report");
  const path = join(folder, `${fileSlug(job.start.modelName)}-report.html`);
  if (isTold(job, "report", path)) return;
  const { step } = found.chosen;
  const serving = await benchmarkServing(job, session, prepared, step, found.result.adapter);
  const html = renderReport(await reportData(job, session, prepared, found, serving));
  guard(job);
  mkdirSync(folder, { recursive: true });
  replaceFile(path, html);
  await tellFile(job, path, "report");
  new ProgressTeller(job).tell({ stage: "benchmark", step, totalSteps: step, fraction: 1, etaSeconds: 0, note: null });
}

async function reportData(
  job: Job,
  session: Session,
  prepared: Prepared,
  { before, measured: after, result, end, chosen }: Findings,
  serving: ServingFigures,
): Promise<ReportInput> {
  const { start } = job;
  const { spec, runDirectory, epoch } = start;
  const { cursor } = end;
  const rows = Math.min(spec.evaluation.finalMaxRows, prepared.heldOutExamples);
  const info = engineInfo();
  const memory = session.memory();
  const record = await readRecord(runDirectory, epoch);
  const answered = reportRows(prepared, before, after, rows);
  const preference = reportPreference(spec, prepared, before, after, rows);
  return {
    generatedAt: new Date().toISOString(),
    annealVersion: info.version,
    run: {
      id: start.runId,
      name: spec.name ?? start.modelName,
      startedAt: record.startedAt,
      finishedAt: null,
      trainSeconds: cursor.trainSeconds,
      steps: cursor.step,
      trainedTokens: cursor.tokensSeen,
    },
    base: { name: start.baseName, architecture: session.info.family, parameters: session.info.parameters },
    dataset: {
      name: start.dataset.name ?? spec.dataset,
      version: start.dataset.digest.slice(0, 19),
      trainRows: prepared.trainRows.length,
      heldOutRows: prepared.heldOutRows,
      heldOutSource: start.evaluationDataset
        ? `a dataset of its own (${start.evaluationDataset.name ?? spec.evaluation.dataset})`
        : `${Math.round(spec.evaluation.heldOutFraction * 100)}% of the rows, split off by the seed ${spec.seed}`,
    },
    evaluation: {
      primary: answered.length > 0 || preference ? "exactMatch" : "loss",
      matchRule: preference ? rankingRule : matchRule,
      preference,
      decoding: `greedy, at most ${spec.evaluation.maxNewTokens} new tokens`,
      rows: answered,
      baseLossNats: totals(spec, prepared, before, before, rows).loss,
      tunedLossNats: totals(spec, prepared, after, before, rows).loss,
    },
    adapters: reportAdapters(spec, result),
    curves: await readCurves(runDirectory, epoch),
    serving: [
      {
        model: start.modelName,
        server: `Anneal engine ${info.version}, ${spec.precision}`,
        concurrency: 1,
        ...serving,
        peakMemoryBytes: memory.rssBytes,
        ggufType: null,
        ggufBytes: null,
      },
    ],
    training: {
      tokensPerSecond: cursor.trainSeconds > 0 ? cursor.tokensSeen / cursor.trainSeconds : null,
      peakMemoryBytes: memory.peakRssBytes,
      plannedMemoryBytes: memory.plannedBytes,
    },
    settings: reportSettings(spec, job.start.teacherFile),
    provenance: [
      { what: "base model", name: start.baseName, digest: prepared.baseDigest, bytes: session.info.fileBytes },
      ...(prepared.startsDigest
        ? [{ what: "adapter to go on from", name: startNames(spec), digest: prepared.startsDigest }]
        : []),
      { what: "dataset", name: start.dataset.name ?? spec.dataset, digest: start.dataset.digest },
      ...(start.evaluationDataset
        ? [
            {
              what: "held-out dataset",
              name: start.evaluationDataset.name ?? "",
              digest: start.evaluationDataset.digest,
            },
          ]
        : []),
      { what: "trained state", name: `step ${chosen.step}`, digest: chosen.digest, bytes: chosen.bytes },
      ...record.artifacts,
    ],
    machine: {
      engineVersion: info.version,
      isa: info.isa,
      threads: spec.threads ?? info.threads,
      cpu: cpus()[0]?.model ?? null,
      os: `${type()} ${release()}`,
    },
    notes: [
      ...(prepared.startsDigest ? ["Before training: the base model with the adapter that the run goes on from."] : []),
      "Latency and tokens per second are the engine's own, on this machine, one question at a time.",
      ...(cursor.stopping.stopped
        ? [`Stopped early at step ${end.step} of ${cursor.totalSteps}: the held-out loss no longer improved.`]
        : []),
      ...(chosen.step === end.step
        ? []
        : [`The model is that of step ${chosen.step}, whose held-out loss was lowest.`]),
      ...record.guards,
    ],
  };
}

const startNames = ({ method, adapters }: RunSpec): string =>
  [method.kind === "lora" ? method.startFrom : null, ...adapters.map(({ startFrom }) => startFrom)]
    .filter((name) => name !== null)
    .join(", ");

/** When the run began, and which files came of it, from its own journal. */
async function readRecord(runDirectory: string, epoch: number) {
  let startedAt: string | null = null;
  const guards: string[] = [];
  const artifacts = new Map<
    string,
    { what: string; name: string; digest: string; bytes: number; note: string | null }
  >();
  for await (const { body, time } of readJournal(runDirectory, { epoch })) {
    startedAt ??= time;
    if (body.type === "guard") guards.push(guardNote(body));
    if (body.type === "artifact" && body.kind !== "report")
      artifacts.set(`${body.kind}/${body.name}`, {
        what: body.ggufType ? `GGUF ${body.ggufType}` : body.kind,
        name: body.name,
        digest: body.digest,
        bytes: body.bytes,
        note: body.quantisation ? costNote(body.quantisation) : null,
      });
  }
  return { startedAt, guards: guards.slice(0, guardsShown), artifacts: [...artifacts.values()] };
}

/** "rounding error 1.83 %; perplexity 3.214 -> 3.226 on 128 rows" */
function costNote({ relativeRmse, perplexity }: Quantisation): string {
  const error = `rounding error ${(100 * relativeRmse).toFixed(2)} %`;
  if (!perplexity) return error;
  const { tuned, file, rows } = perplexity;
  return `${error}; perplexity ${tuned.toFixed(3)} -> ${file.toFixed(3)} on ${rows} held-out rows`;
}

const guardsShown = 50;
const rowsShown = 12;
function guardNote({ step, action, backToStep, rows, detail }: Extract<RunEventBody, { type: "guard" }>): string {
  const named = rows
    .slice(0, rowsShown)
    .map((row) => row + 1)
    .join(", ");
  const what =
    action === "skipped" ? "left out" : `left out, and training went on with the weights of step ${backToStep}`;
  return `The batch of step ${step + 1} was ${what} (${detail}); rows ${named}${rows.length > rowsShown ? " and more" : ""} of the dataset.`;
}
