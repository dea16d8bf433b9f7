import { type DatasetRow, isPreference, ServiceError, say, told } from "@anneal/contracts";
import type { DatasetReader } from "@anneal/data";
import { inspectModel } from "@anneal/engine";
import { type EncodedRow, type Shard, type Split, splitNotice, type TextModel } from "@anneal/text";
import { type CachedShard, cachedRows, cachedShard } from "../../shard-cache.ts";
import { heartbeat, type Job, logLine, ProgressTeller } from "../context/job.ts";
import { verifyBase, verifyStarts, verifyTeacher } from "./base-check.ts";
import { type Sequences, sequencesOf } from "./batches.ts";
import { encodeRows, encodingOf, sequencesPerRow } from "./encode-rows.ts";
import { areLabels, type PreferenceTexts, preferenceTextsOf, type Question, questionOf } from "./held-out.ts";
import { cachedSplit } from "./held-out-split.ts";
import { LazyVersion } from "./lazy-version.ts";
import { TeacherRows } from "./teacher-rows.ts";
import { clockOf, textModelOf } from "./text-model.ts";

export interface Prepared {
  text: TextModel;
  baseDigest: string;
  startsDigest: string | null; // of the adapters to go on from; null without any
  train: Shard;
  sequences: Sequences; // of an example: see batches.ts
  trainRows: Uint32Array; // examples of the shard that carry loss
  rowNumbers: Uint32Array; // of the dataset, by example
  trainSource: CachedShard;
  heldOut: Shard | null;
  heldOutSource: CachedShard | null;
  heldOutExamples: number;
  questions: (Question | null)[]; // one per held-out example; of preferences only a few, to be read
  preferences: (PreferenceTexts | null)[]; // likewise, of the first rows
  heldOutRows: number; // before the cap
  seen: ReadonlySet<number>; // held-out examples that are trained as well, or whose question is
  labels: boolean; // the answers are few and short, as a classifier's
  teacher: TeacherRows | null; // of a distillation whose teacher is a file
}

const templateNames = {
  chatml: say`ChatML, whose tokens it knows`,
  plain: say`plain turns (User: ... Assistant: ...)`,
} as const;
const readAtOnce = 500;
const signOfLifeEvery = 200; // rows
const preferencesShown = 2000; // texts kept for the report's lottery
const preferenceQuestions = 24; // answers to them are compared by no rule, so a few to look at will do

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
  const sequences = sequencesPerRow(spec.objective);
  const beat = (seconds: number) => heartbeat(job, "prepare", 0, seconds);
  beat(120);
  const onFile = (name: string) => {
    logLine(job, "debug", say`computing the SHA-256 of ${name}`);
    beat(600);
  };
  const baseDigest = await verifyBase(start, onFile);
  const startsDigest = await verifyStarts(start, onFile);
  await verifyTeacher(start, onFile);
  const text = textModelOf(start);
  if (text.templateOrigin !== "model")
    logLine(
      job,
      "warn",
      say`the base model has no chat template; rows are written as ${templateNames[text.templateOrigin]}`,
    );

  const dataset = new LazyVersion(start.dataset);
  const evaluation = start.evaluationDataset ? new LazyVersion(start.evaluationDataset) : null;
  try {
    const { split, answers } = await cachedSplit(job, dataset, evaluation);
    const madeOf = {
      format: 4, // of what rows become; 4: rows with one question stay on one side of the split
      base: baseDigest,
      template: text.templateSource,
      clock: clockOf(text),
      ...encodingOf(spec),
      dataset: start.dataset.digest,
      heldOut: start.evaluationDataset?.digest ?? { fraction: spec.evaluation.heldOutFraction, seed: spec.seed },
    };
    const trainSource = await cachedShard(start.shardDirectory, { ...madeOf, part: "train" }, () =>
      encodeAll(job, text, trainingRows(job, dataset, split)),
    );
    const rows = await cachedRows(
      start.shardDirectory,
      { ...madeOf, part: "asked", rows: [...split.asked] },
      async () => readRows(await (evaluation ?? dataset).open(), split.asked),
    );
    const heldOutSource =
      rows.length === 0
        ? null
        : await cachedShard(start.shardDirectory, { ...madeOf, part: "held-out", rows: rows.length }, () =>
            encodeAll(job, text, rows),
          );
    const { shard } = trainSource;
    const examples = Array.from({ length: shard.rows / sequences }, (_, i) => i);
    const trainRows = Uint32Array.from(
      examples.filter((example) => sequencesOf(example, sequences).every((row) => shard.supervised(row) > 0)),
    );
    if (trainRows.length === 0)
      throw new ServiceError(
        "NOTHING_TO_TRAIN",
        say`none of the ${examples.length} training [row|rows] has a token that is trained`,
        {
          field: "dataset",
          remedy:
            sequences === 2
              ? say`give each question answers that fit into maxSequenceTokens`
              : say`give each conversation an assistant answer that fits into maxSequenceTokens`,
        },
      );
    const rowNumbers = Uint32Array.from({ length: start.dataset.rows }, (_, row) => row).filter(
      (row) => !split.excluded.has(row),
    );
    const { vocabSize: vocabularySize } = inspectModel(start.base);
    let checked = 0;
    const teacher = await TeacherRows.open(
      start,
      text,
      { vocabularySize, shard, rowNumbers, examples: trainRows },
      () => {
        if (checked++ % signOfLifeEvery === 0) beat(60);
      },
    );
    const notice = splitNotice(split);
    if (notice) logLine(job, split.seen.size > 0 ? "warn" : "info", notice);
    describe(job, trainSource, { withLoss: trainRows.length, all: examples.length, heldOut: rows.length });
    return {
      text,
      baseDigest,
      startsDigest,
      train: shard,
      sequences,
      trainRows,
      rowNumbers,
      trainSource,
      heldOut: heldOutSource?.shard ?? null,
      heldOutSource,
      heldOutExamples: rows.length,
      questions: rows.map((row, i) =>
        isPreference(spec.objective.kind) && i >= preferenceQuestions
          ? null
          : questionOf(text, split.asked[i] ?? i, row),
      ),
      preferences: rows.slice(0, preferencesShown).map(preferenceTextsOf),
      heldOutRows: split.heldOutRows,
      seen: split.seen,
      labels: areLabels(answers, start.dataset.rows, rows),
      teacher,
    };
  } finally {
    await dataset.close();
    await evaluation?.close();
  }
}

/** The rows that are trained, in order, told as they are read. */
async function* trainingRows(job: Job, version: LazyVersion, split: Split): AsyncGenerator<DatasetRow> {
  const progress = new ProgressTeller(job);
  const began = performance.now();
  const { planned } = job.start;
  const dataset = await version.open();
  let i = 0;
  for await (const row of dataset.all()) {
    if (i % signOfLifeEvery === 0) {
      const secondsLeft = i === 0 ? 0 : ((performance.now() - began) / 1000 / i) * (dataset.rows - i);
      const fraction = i / Math.max(1, dataset.rows);
      progress.tell({
        stage: "prepare",
        step: 0,
        totalSteps: 0,
        fraction,
        etaSeconds: planned && secondsLeft + planned.totalSeconds,
        ...told({ note: say`tokenising: ${i} of ${dataset.rows} rows` }),
      });
    }
    if (!split.excluded.has(i++)) yield row;
  }
}

async function* encodeAll(
  job: Job,
  text: TextModel,
  rows: AsyncIterable<DatasetRow> | Iterable<DatasetRow>,
): AsyncGenerator<EncodedRow> {
  let i = 0;
  for await (const sequences of encodeRows(text, rows, job.start.spec)) {
    if (i++ % signOfLifeEvery === 0) {
      heartbeat(job, "prepare", 0, 60);
      job.control.throwIfStopped();
    }
    yield* sequences;
  }
}

function describe(job: Job, train: CachedShard, counts: { withLoss: number; all: number; heldOut: number }): void {
  const { tokens, supervisedTokens, fromCache } = train;
  const { withLoss, all, heldOut } = counts;
  const lacking = all - withLoss;
  const trained = fromCache
    ? say`training rows: ${withLoss} (${tokens} tokens, ${supervisedTokens} trained, from the cache)`
    : say`training rows: ${withLoss} (${tokens} tokens, ${supervisedTokens} trained)`;
  logLine(
    job,
    lacking > 0 ? "warn" : "info",
    lacking > 0
      ? say`${trained}; ${lacking} [row contributes no loss and is|rows contribute no loss and are] skipped; held-out rows: ${heldOut}`
      : say`${trained}; held-out rows: ${heldOut}`,
  );
}
