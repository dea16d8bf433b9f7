import { type DatasetRow, isPairwise, ServiceError, type TrainerStart } from "@anneal/contracts";
import { type DatasetReader, openVersion } from "@anneal/data";
import { type EncodedRow, encodeRow, type Shard, type TextModel } from "@anneal/text";
import { verifyBase } from "./base-check.ts";
import { type PreferenceOf, type Sequences, sequencesOf } from "./batches.ts";
import { type Question, questionOf, type Split, splitRows } from "./held-out.ts";
import { heartbeat, type Job, logLine, ProgressTeller } from "./job.ts";
import { type CachedShard, cachedShard } from "./shard-cache.ts";
import { clockOf, textModelOf } from "./text-model.ts";

export interface Prepared {
  text: TextModel;
  baseDigest: string;
  train: Shard;
  sequences: Sequences; // of an example: see batches.ts
  trainRows: Uint32Array; // examples of the shard that carry loss
  rowNumbers: Uint32Array; // of the dataset, by example
  preferenceOf: PreferenceOf | undefined; // undefined: the first of a pair is the better one
  trainSource: CachedShard;
  heldOut: Shard | null;
  heldOutSource: CachedShard | null;
  heldOutExamples: number;
  questions: (Question | null)[]; // one per held-out example
  heldOutRows: number; // before the cap
}

const templateNames = {
  chatml: "ChatML, whose tokens it knows",
  plain: "plain turns (User: ... Assistant: ...)",
} as const;
const readAtOnce = 500;
const signOfLifeEvery = 200; // rows

/** Rows at these numbers, in this order, read in few and large reads. */
async function readRows(reader: DatasetReader, numbers: Uint32Array): Promise<DatasetRow[]> {
  const wanted = new Map(Array.from(numbers, (row, position) => [row, position]));
  const found: DatasetRow[] = new Array(numbers.length);
  const last = numbers.reduce((a, b) => Math.max(a, b), -1);
  for (let offset = 0; offset <= last; offset += readAtOnce) {
    const rows = await reader.read(offset, readAtOnce);
    rows.forEach((row, i) => {
      const position = wanted.get(offset + i);
      if (position !== undefined) found[position] = row;
    });
  }
  return found;
}

/** Base proven, rows split and tokenised, shards written or found in the cache. */
export async function prepare(job: Job): Promise<Prepared> {
  const { start } = job;
  const { spec } = start;
  const sequences = isPairwise(spec.objective.kind) ? 2 : 1;
  const beat = (seconds: number) => heartbeat(job, "prepare", 0, seconds);
  beat(120);
  const baseDigest = await verifyBase(start, (name) => {
    logLine(job, "debug", `computing the SHA-256 of ${name}`);
    beat(600);
  });
  const text = textModelOf(start);
  if (text.templateOrigin !== "model")
    logLine(
      job,
      "warn",
      `the base model has no chat template; rows are written as ${templateNames[text.templateOrigin]}`,
    );

  const dataset = await openChecked(start.dataset);
  const evaluation = start.evaluationDataset ? await openChecked(start.evaluationDataset) : null;
  try {
    const split = splitRows({
      rows: dataset.rows,
      evaluationRows: evaluation?.rows ?? null,
      heldOutFraction: spec.evaluation.heldOutFraction,
      finalMaxRows: spec.evaluation.finalMaxRows,
      seed: spec.seed,
    });
    const encode = { maxSequenceTokens: spec.maxSequenceTokens };
    const madeOf = {
      format: 1,
      base: baseDigest,
      template: text.templateSource,
      clock: clockOf(text),
      ...encode,
      dataset: start.dataset.digest,
      heldOut: start.evaluationDataset?.digest ?? { fraction: spec.evaluation.heldOutFraction, seed: spec.seed },
    };
    const trainSource = await cachedShard(start.shardDirectory, { ...madeOf, part: "train" }, () =>
      encodeAll(job, text, dataset, split, encode),
    );
    const rows = await readRows(evaluation ?? dataset, split.asked);
    const heldOutSource =
      rows.length === 0
        ? null
        : await cachedShard(
            start.shardDirectory,
            { ...madeOf, part: "held-out", rows: rows.length },
            async function* () {
              for (const [i, row] of rows.entries()) {
                if (i % signOfLifeEvery === 0) {
                  beat(60);
                  job.control.throwIfStopped();
                }
                yield encodeRow(text, row, encode);
              }
            },
          );
    const { shard } = trainSource;
    const examples = Array.from({ length: shard.rows / sequences }, (_, i) => i);
    const trainRows = Uint32Array.from(
      examples.filter((example) => sequencesOf(example, sequences).every((row) => shard.supervised(row) > 0)),
    );
    if (trainRows.length === 0)
      throw new ServiceError(
        "NOTHING_TO_TRAIN",
        `none of the ${examples.length} training rows has a token that is trained`,
        {
          field: "dataset",
          remedy: "give each conversation an assistant answer that fits into maxSequenceTokens",
        },
      );
    describe(job, trainSource, heldOutSource, trainRows.length);
    return {
      text,
      baseDigest,
      train: shard,
      sequences,
      trainRows,
      rowNumbers: Uint32Array.from({ length: dataset.rows }, (_, row) => row).filter((row) => !split.excluded.has(row)),
      preferenceOf: undefined,
      trainSource,
      heldOut: heldOutSource?.shard ?? null,
      heldOutSource,
      heldOutExamples: rows.length,
      questions: rows.map((row, i) => questionOf(split.asked[i] ?? i, row)),
      heldOutRows: split.heldOutRows,
    };
  } finally {
    await dataset.close();
    await evaluation?.close();
  }
}

async function openChecked(version: TrainerStart["dataset"]): Promise<DatasetReader> {
  const reader = await openVersion(version.path);
  if (reader.rows === version.rows) return reader;
  await reader.close();
  throw new ServiceError("CONFLICT", `the dataset file ${version.path} has ${reader.rows} rows, not ${version.rows}`, {
    field: "dataset",
    remedy: "import the dataset again",
  });
}

async function* encodeAll(
  job: Job,
  text: TextModel,
  dataset: DatasetReader,
  split: Split,
  options: { maxSequenceTokens: number },
): AsyncGenerator<EncodedRow> {
  const progress = new ProgressTeller(job);
  let i = 0;
  for await (const row of dataset.all()) {
    if (i % signOfLifeEvery === 0) {
      heartbeat(job, "prepare", 0, 60);
      job.control.throwIfStopped();
      const fraction = i / Math.max(1, dataset.rows);
      progress.tell({ stage: "prepare", step: 0, totalSteps: 0, fraction, etaSeconds: null, note: "tokenising" });
    }
    if (!split.excluded.has(i++)) yield encodeRow(text, row, options);
  }
}

function describe(job: Job, train: CachedShard, heldOut: CachedShard | null, withLoss: number): void {
  const { rows, tokens, supervisedTokens, fromCache } = train;
  const lacking = rows - withLoss;
  logLine(
    job,
    lacking > 0 ? "warn" : "info",
    `training rows: ${withLoss} (${tokens} tokens, ${supervisedTokens} trained${fromCache ? ", from the cache" : ""})` +
      `${lacking > 0 ? `; ${lacking} rows carry no loss and are left out` : ""}; held-out rows: ${heldOut?.rows ?? 0}`,
  );
}
