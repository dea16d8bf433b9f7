// What memory buys: an NF4 base against bf16, sixteen adapters in one pass against one, our peak against PyTorch + PEFT's. Every contender
// is a process of its own; they take turns.
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type AdapterSpec, LINEAR_NAMES, type TrainingSpec } from "@anneal/engine";
import { trainerArguments } from "../../apps/worker/src/engine-host/trainer-process.ts";
import { bundleProgram } from "../support/bundle-program.ts";
import { LineProcess, loraPeer, type PeerStep } from "./support/line-process.ts";
import { llama118m, writeRandomLlama } from "./support/random-model.ts";
import type { StepAnswer, StepRequestLine } from "./support/step-process.ts";
import type { BenchRow } from "./types.ts";

const rounds = 5;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const mebibytes = (bytes: number) => bytes / 2 ** 20;

/** `count` rows of `length` random tokens, all of them trained, as one packed micro-batch. */
function rowsOf(count: number, length: number, adapters = 0): StepRequestLine["batches"][number] {
  const tokens = Array.from({ length: count * length }, (_, i) => 3 + ((i * 7919 + 11) % (llama118m.vocabulary - 3)));
  const offsets = Array.from({ length: count + 1 }, (_, i) => i * length);
  const owners = Array.from({ length: count }, (_, i) => Math.floor((i * adapters) / count));
  return { tokens, labels: tokens, offsets, ...(adapters > 0 ? { adapters: owners } : {}) };
}

function specOf(dir: string, batch: StepRequestLine["batches"][number], changes: Partial<TrainingSpec>, rank = 16) {
  return {
    base: { kind: "hf" as const, dir },
    precision: "bf16" as const,
    threads: cpus().length,
    seed: 1,
    method: { kind: "lora" as const, rank, alpha: 2 * rank, dropout: 0, rsLora: false, targets: [...LINEAR_NAMES] },
    optimizer: { kind: "adamw" as const, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: batch.tokens.length,
    maxSequenceTokens: batch.offsets[1] ?? batch.tokens.length,
    ...changes,
  } satisfies TrainingSpec;
}

type Contender = LineProcess<StepAnswer>;
async function start(
  program: string,
  spec: TrainingSpec,
  batch: StepRequestLine["batches"][number],
): Promise<Contender> {
  const contender: Contender = new LineProcess(process.execPath, [...trainerArguments, program]);
  await contender.ask(JSON.stringify({ spec, batches: [batch] } satisfies StepRequestLine));
  return contender;
}

/** Steps in turns: the first of each warms up. */
async function compare(a: Contender, b: Contender) {
  const [first, second]: StepAnswer[][] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    first?.push(await a.ask("step"));
    second?.push(await b.ask("step"));
  }
  a.end();
  b.end();
  const of = (answers: StepAnswer[] = []) => {
    const last = answers.at(-1) as StepAnswer;
    return { ...last, seconds: median(answers.slice(1).map(({ seconds }) => seconds)) };
  };
  return [of(first), of(second)] as const;
}

async function* quantisedBase(program: string, dir: string): AsyncGenerator<BenchRow> {
  const batch = rowsOf(1, 512);
  for (const baseStorage of ["nf4", "int8"] as const) {
    const [ours, dense] = await compare(
      await start(program, specOf(dir, batch, { baseStorage }), batch),
      await start(program, specOf(dir, batch, {}), batch),
    );
    const tokens = batch.tokens.length;
    const row = (name: string, unit: string, value: number, peerValue: number, ratio: number): BenchRow => ({
      name: `${baseStorage} base, 118M llama, ${name}`,
      value,
      unit,
      peer: "bf16 base",
      peerValue,
      ratio,
    });
    const speeds = [tokens / ours.seconds, tokens / dense.seconds] as const;
    yield row("step", "tokens/s", ...speeds, speeds[0] / speeds[1]);
    const bytes = [mebibytes(ours.weightBytes), mebibytes(dense.weightBytes)] as const;
    yield row("resident weights", "MiB", ...bytes, bytes[1] / bytes[0]);
  }
}

const adapterCount = 16;
const adapterRank = 8;
const adapters: AdapterSpec[] = Array.from({ length: adapterCount }, (_, i) => ({
  name: `a${i}`,
  rank: adapterRank,
  alpha: 2 * adapterRank,
  seed: i,
}));

/** The same joined batch of 4,096 tokens, once for one adapter and once for sixteen. */
async function* sideBySide(program: string, dir: string): AsyncGenerator<BenchRow> {
  const one = rowsOf(16, 256);
  const all = rowsOf(16, 256, adapterCount);
  const [many, single] = await compare(
    await start(program, specOf(dir, all, { adapters }, adapterRank), all),
    await start(program, specOf(dir, one, {}, adapterRank), one),
  );
  const name = `${adapterCount} adapters of rank ${adapterRank}, 118M llama, 16 rows of 256`;
  const [value, peerValue] = [mebibytes(many.peakBytes), mebibytes(single.peakBytes)];
  yield { name: `${name}, peak`, value, unit: "MiB", peer: "one adapter", peerValue, ratio: peerValue / value };
  const speeds = [all.tokens.length / many.seconds, one.tokens.length / single.seconds] as const;
  yield {
    name: `${name}, step`,
    value: speeds[0],
    unit: "tokens/s",
    peer: "one adapter",
    peerValue: speeds[1],
    ratio: speeds[0] / speeds[1],
  };
}

async function peerPeak(
  python: string,
  spec: TrainingSpec,
  batch: StepRequestLine["batches"][number],
): Promise<number> {
  const peer = new LineProcess<PeerStep>(python, [loraPeer]);
  const rows = batch.offsets.slice(1).map((end, i) => batch.tokens.slice(batch.offsets[i], end));
  if (spec.base.kind !== "hf" || spec.method.kind !== "lora") throw new Error("the peer reads folders and trains LoRA");
  await peer.ask(
    JSON.stringify({
      model_dir: spec.base.dir,
      dtype: spec.precision,
      threads: spec.threads,
      rank: spec.method.rank,
      alpha: spec.method.alpha,
      batches: [{ ids: rows, labels: rows, lengths: rows.map((row) => row.length) }],
    }),
  );
  const { peak_rss_bytes } = await peer.ask("step");
  peer.end();
  return peak_rss_bytes;
}

// float32: the peer's bf16 products are emulated on machines without AVX-512 and take minutes.
async function* peak(program: string, dir: string): AsyncGenerator<BenchRow> {
  const python = process.env.ANNEAL_PEER_PYTHON;
  for (const [rows, length] of [
    [1, 512],
    [8, 256],
  ] as const) {
    const batch = rowsOf(rows, length);
    const spec = specOf(dir, batch, { precision: "f32" });
    const contender = await start(program, spec, batch);
    const { peakBytes } = await contender.ask("step");
    contender.end();
    const peerBytes = python ? await peerPeak(python, spec, batch) : null;
    yield {
      name: `lora step f32, 118M llama, ${rows} x ${length}, peak RSS`,
      value: mebibytes(peakBytes),
      unit: "MiB",
      peer: python ? "PyTorch + PEFT" : null,
      peerValue: peerBytes === null ? null : mebibytes(peerBytes),
      ratio: peerBytes === null ? null : peerBytes / peakBytes,
    };
  }
}

export async function* run(): AsyncGenerator<BenchRow> {
  const dir = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  try {
    writeRandomLlama(dir, llama118m);
    const program = await bundleProgram("tests/bench/support/step-process.ts");
    yield* quantisedBase(program, dir);
    yield* sideBySide(program, dir);
    yield* peak(program, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
