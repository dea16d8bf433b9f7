import { readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type FromTrainer, ServiceError, say, type TrainerStart, type TrainerTask } from "@anneal/contracts";
import { openVersion } from "@anneal/data";
import { inspectModel, type MicroBatch, openSession, type Session, type TrainingSpec } from "@anneal/engine";
import { type EncodedRow, planStep, type TeacherRow, textFacts, writeTeacherFile } from "@anneal/text";
import { availableMemoryBytes } from "../../machine.ts";
import type { Control } from "../context/control.ts";
import { engineCall } from "../context/engine-call.ts";
import { verifyBase } from "../prepare/base-check.ts";
import { encodeRows } from "../prepare/encode-rows.ts";
import { textModelOf } from "../prepare/text-model.ts";

type Taught = Extract<FromTrainer, { type: "taught" }>;

const rowsAtOnce = 64; // packed into micro-batches together

/** A session of the teacher; it is never trained, and the least adapter keeps gradients and optimizer small. */
function teacherSpec({ base, spec }: TrainerStart): TrainingSpec {
  const { linearNames } = inspectModel(base);
  return {
    base,
    precision: spec.precision,
    seed: 0,
    method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: linearNames.slice(0, 1) },
    optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
    gradientCheckpointing: "layer",
    maxTokensPerMicroBatch: spec.microBatchTokens,
    maxSequenceTokens: spec.maxSequenceTokens,
    ...(spec.threads === null ? {} : { threads: spec.threads }),
    memoryBudgetBytes: availableMemoryBytes(),
  };
}

/**
 * The teacher's best log-probabilities of every trained token of a dataset. A function of model, rows and settings alone: cut off, it is
 * made again from the start and has the same digest. Writes no journal.
 */
export async function makeTeacher(
  start: TrainerStart,
  task: Extract<TrainerTask, { kind: "teacher" }>,
  control: Control,
  send: (message: FromTrainer) => void,
): Promise<Taught> {
  const { spec, dataset } = start;
  let seconds = 600;
  const beat = (rows: number) => send({ type: "heartbeat", stage: "prepare", step: rows, expectedSeconds: seconds });
  beat(0);
  // What an attempt before this one left unfinished.
  for (const name of readdirSync(dirname(task.path)))
    if (name.startsWith(`${basename(task.path)}.`) && name.endsWith(".tmp")) rmSync(join(dirname(task.path), name));
  const modelDigest = await verifyBase(start, () => beat(0));
  const text = textModelOf({ base: task.writer, runId: start.runId });
  const { vocabSize } = inspectModel(start.base);
  if (task.topK > vocabSize)
    throw new ServiceError("INVALID_INPUT", say`topK: the teacher knows ${vocabSize} tokens`, {
      field: "topK",
      remedy: say`lower topK`,
    });
  const reader = await openVersion(dataset.path);
  const session = await openSession(teacherSpec(start));
  control.attach(session);
  try {
    const facts = {
      ...textFacts(text, vocabSize),
      model: start.baseName,
      modelDigest,
      dataset: dataset.digest,
      maxSequenceTokens: spec.maxSequenceTokens,
      topK: task.topK,
    };
    let done = 0;
    async function* answers(): AsyncGenerator<TeacherRow> {
      let waiting: EncodedRow[] = [];
      const ask = async function* () {
        const began = performance.now();
        yield* await guessesOf(session, waiting, task.topK, spec, control);
        done += waiting.length;
        waiting = [];
        seconds = Math.max(5, (4 * (performance.now() - began)) / 1000);
        beat(done);
      };
      for await (const sequences of encodeRows(text, reader.all(), spec)) {
        control.throwIfStopped();
        waiting.push(...sequences);
        if (waiting.length >= rowsAtOnce) yield* ask();
      }
      if (waiting.length > 0) yield* ask();
    }
    const written = await writeTeacherFile(task.path, facts, answers());
    if (written.supervisedTokens === 0) {
      rmSync(task.path);
      throw new ServiceError(
        "NOTHING_TO_TRAIN",
        say`none of the ${written.rows} [row|rows] has a token that is trained`,
        {
          field: "dataset",
          remedy: say`give the conversations answers of the assistant that fit into maxSequenceTokens`,
        },
      );
    }
    return { type: "taught", ...written, facts };
  } finally {
    control.detach();
    await session.close();
    await reader.close();
  }
}

/** What the teacher says of each row, in order: rows are packed into micro-batches as in training. */
async function guessesOf(
  session: Session,
  rows: readonly EncodedRow[],
  topK: number,
  spec: TrainerStart["spec"],
  control: Control,
): Promise<TeacherRow[]> {
  const answers: TeacherRow[] = rows.map(({ tokens, labels }) => ({
    tokens,
    mask: Uint8Array.from(labels, (label, i) => Number(i > 0 && label !== -100)),
    ids: new Int32Array(),
    logprobs: new Float32Array(),
  }));
  const asked = answers.flatMap(({ mask }, i) => (mask.includes(1) ? [i] : []));
  const lengths = asked.map((i) => rows[i]?.tokens.length ?? 0);
  for (const positions of planStep(lengths, { microBatchTokens: spec.microBatchTokens, packing: true })) {
    const chosen = positions.map((position) => asked[position] ?? 0);
    const { ids, logprobs } = await engineCall(control, () => session.bestTokens(joined(rows, chosen), topK));
    let at = 0;
    for (const i of chosen) {
      const answer = answers[i];
      if (!answer) continue;
      const values = answer.mask.reduce((sum, flag) => sum + flag, 0) * topK;
      answer.ids = ids.slice(at, at + values);
      answer.logprobs = logprobs.slice(at, at + values);
      at += values;
    }
  }
  return answers;
}

function joined(rows: readonly EncodedRow[], chosen: readonly number[]): MicroBatch {
  const parts = chosen.flatMap((i) => rows[i] ?? []);
  const offsets = [0];
  for (const { tokens } of parts) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
  return {
    tokens: Int32Array.from(parts.flatMap(({ tokens }) => Array.from(tokens))),
    labels: Int32Array.from(parts.flatMap(({ labels }) => Array.from(labels))),
    offsets: Int32Array.from(offsets),
  };
}
