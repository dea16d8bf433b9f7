// What memory buys: an NF4 base against bf16, our peak against PyTorch + PEFT's. Every contender is a process of its own; they take turns.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrainingSpec } from "@anneal/engine";
import { bundleProgram } from "../support/bundle-program.ts";
import { type Batch, compare, mebibytes, rowsOf, specOf, start } from "./support/contenders.ts";
import { LineProcess, loraPeer, type PeerHead, type PeerStep } from "./support/line-process.ts";
import { llama118m, writeRandomLlama } from "./support/random-model.ts";
import type { BenchRow } from "./types.ts";

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

async function peerPeak(python: string, spec: TrainingSpec, batch: Batch): Promise<number> {
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
      head: "supervised" satisfies PeerHead,
    }),
  );
  const { peak_rss_bytes } = await peer.ask("step");
  peer.end();
  return peak_rss_bytes;
}

// On machines without AVX-512 the peer's bf16 products are emulated and take minutes.
async function* peak(program: string, dir: string): AsyncGenerator<BenchRow> {
  const python = process.env.ANNEAL_PEER_PYTHON;
  for (const [precision, rows, length] of [
    ["f32", 1, 512],
    ["f32", 8, 256],
    ["bf16", 1, 512],
    ["bf16", 8, 256],
  ] as const) {
    const batch = rowsOf(rows, length);
    const spec = specOf(dir, batch, { precision });
    const contender = await start(program, spec, batch);
    const { peakBytes } = await contender.ask("step");
    contender.end();
    const peerBytes = python ? await peerPeak(python, spec, batch) : null;
    yield {
      name: `lora step ${precision}, 118M llama, ${rows} x ${length}, peak RSS`,
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
    yield* peak(program, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
