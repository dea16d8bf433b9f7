import { mkdirSync } from "node:fs";
import { cpus, release, type } from "node:os";
import { join } from "node:path";
import {
  type EvaluationResult,
  type Phrase,
  type Quantisation,
  type RunEventBody,
  type RunSpec,
  reportName,
  say,
} from "@anneal/contracts";
import { engineInfo, type Session } from "@anneal/engine";
import { type ReportInput, ReportLanguage, renderReport } from "@anneal/report";
import chinese from "../../../../web/messages/zh-CN/phrases.json" with { type: "json" };
import type { Checkpoint } from "../../run-directory/checkpoints.ts";
import { replaceFile } from "../../run-directory/files.ts";
import { readJournal } from "../../run-directory/journal-file.ts";
import { type Job, ProgressTeller } from "../context/job.ts";
import { answerCap } from "../evaluate/asking.ts";
import type { Measured } from "../evaluate/measure.ts";
import { totals } from "../evaluate/totals.ts";
import { fileSlug, guard, isTold, tellFile } from "../export/artifacts.ts";
import { matchRule } from "../prepare/held-out.ts";
import type { Prepared } from "../prepare/prepare.ts";
import { readCurves } from "./curves.ts";
import { reportAdapters } from "./report-adapters.ts";
import { rankingRule, reportPreference, reportRows } from "./report-rows.ts";
import { reportSettings } from "./report-settings.ts";
import { benchmarkServing, type ServingFigures } from "./serving-benchmark.ts";

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
  const path = join(folder, reportName(fileSlug(job.start.modelName)));
  if (isTold(job, "report", path)) return;
  const { step } = found.chosen;
  const serving = await benchmarkServing(job, session, prepared, step, found.result.adapter);
  const data = await reportData(job, session, prepared, found, serving);
  guard(job);
  mkdirSync(folder, { recursive: true });
  // One file a language; that of the name without one is told last, for a run is known by it.
  for (const language of [...ReportLanguage.options].reverse()) {
    const file = join(folder, reportName(fileSlug(job.start.modelName), language));
    replaceFile(file, renderReport(data, { language, ...(language === "zh-CN" ? { phrases: chinese } : {}) }));
    if (!isTold(job, "report", file)) await tellFile(job, file, "report");
  }
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
  const { spec, runDirectory, attempt } = start;
  const { cursor } = end;
  const rows = Math.min(spec.evaluation.finalMaxRows, prepared.heldOutExamples);
  const info = engineInfo();
  const memory = session.memory();
  const record = await readRecord(runDirectory, attempt);
  const cap = answerCap(spec.evaluation, prepared.questions);
  const answered = reportRows(prepared, before, after, rows, cap);
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
        ? say`a dataset of its own (${start.evaluationDataset.name ?? spec.evaluation.dataset})`
        : say`${Math.round(spec.evaluation.heldOutFraction * 100)}% of the rows, split off by the seed ${spec.seed}; rows with one question stay on one side`,
    },
    evaluation: {
      verdict: result.verdict,
      labels: prepared.labels && !preference,
      matchRule: preference ? rankingRule : matchRule,
      preference,
      decoding: say`greedy, at most ${cap} new [token|tokens]`,
      rows: answered,
      baseLossNats: totals(spec, prepared, before, before, rows).loss,
      tunedLossNats: totals(spec, prepared, after, before, rows).loss,
    },
    adapters: reportAdapters(spec, result),
    curves: await readCurves(runDirectory, attempt),
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
    settings: reportSettings(spec, job.start.teacherFile, cursor.totalSteps),
    provenance: [
      { what: say`base model`, name: start.baseName, digest: prepared.baseDigest, bytes: session.info.fileBytes },
      ...(prepared.startsDigest
        ? [{ what: say`adapter to continue from`, name: startNames(spec), digest: prepared.startsDigest }]
        : []),
      { what: say`dataset`, name: start.dataset.name ?? spec.dataset, digest: start.dataset.digest },
      ...(start.evaluationDataset
        ? [
            {
              what: say`held-out dataset`,
              name: start.evaluationDataset.name ?? "",
              digest: start.evaluationDataset.digest,
            },
          ]
        : []),
      { what: say`trained state`, name: `step ${chosen.step}`, digest: chosen.digest, bytes: chosen.bytes },
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
      ...(prepared.startsDigest
        ? [say`Before training: the base model with the adapter that the run goes on from.`]
        : []),
      say`Latency and tokens per second are those of the training engine on this machine, one question at a time; Ollama serves at its own speed.`,
      ...(cursor.stopping.stopped
        ? [say`Stopped early at step ${end.step} of ${cursor.totalSteps}: the held-out loss no longer improved.`]
        : []),
      ...(chosen.step === end.step
        ? []
        : [say`The model is that of step ${chosen.step}, whose held-out loss was lowest.`]),
      ...record.guards,
    ],
  };
}

const startNames = ({ method, adapters }: RunSpec): string =>
  [method.kind === "lora" ? method.startFrom : null, ...adapters.map(({ startFrom }) => startFrom)]
    .filter((name) => name !== null)
    .join(", ");

/** When the run began, and which files came of it, from its own journal. */
async function readRecord(runDirectory: string, attempt: number) {
  let startedAt: string | null = null;
  const guards: Phrase[] = [];
  const artifacts = new Map<
    string,
    { what: string; name: string; digest: string; bytes: number; note: Phrase | null }
  >();
  for await (const { body, time } of readJournal(runDirectory, { attempt })) {
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
function costNote({ relativeRmse, perplexity }: Quantisation): Phrase {
  const error = say`rounding error ${(100 * relativeRmse).toFixed(2)} %`;
  if (!perplexity) return error;
  const { tuned, file, rows } = perplexity;
  return say`${error}; perplexity ${tuned.toFixed(3)} -> ${file.toFixed(3)} on ${rows} held-out [row|rows]`;
}

const guardsShown = 50;
const rowsShown = 12;
function guardNote({ step, action, backToStep, rows, detail }: Extract<RunEventBody, { type: "guard" }>): Phrase {
  const named = rows
    .slice(0, rowsShown)
    .map((row) => row + 1)
    .join(", ");
  const list = rows.length > rowsShown ? say`${named} and more` : named;
  return action === "skipped"
    ? say`The batch of step ${step + 1} was left out (${detail}); rows of the dataset: ${list}.`
    : say`The batch of step ${step + 1} was left out, and training went on with the weights of step ${backToStep} (${detail}); rows of the dataset: ${list}.`;
}
