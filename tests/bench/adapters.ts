// Sixteen adapters in one pass against one, over the same joined batch: the base lies in memory once.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdapterSpec } from "@anneal/engine";
import { bundleProgram } from "../support/bundle-program.ts";
import { compare, mebibytes, rowsOf, specOf, start } from "./support/contenders.ts";
import { llama118m, writeRandomLlama } from "./support/random-model.ts";
import type { BenchRow } from "./types.ts";

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

export async function* run(): AsyncGenerator<BenchRow> {
  const dir = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  try {
    writeRandomLlama(dir, llama118m);
    yield* sideBySide(await bundleProgram("tests/bench/support/step-process.ts"), dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
