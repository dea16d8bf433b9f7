// LoRA step (rank 16 on every linear layer): our engine beside PyTorch + PEFT, same weights, same tokens, taking turns.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type MicroBatch, openSession, type Precision } from "@anneal/engine";
import { LineProcess, loraPeer, type PeerHead, type PeerStep } from "./support/line-process.ts";
import { median } from "./support/median.ts";
import { type LlamaShape, llama118m, llama135m, writeRandomLlama } from "./support/random-model.ts";
import { takeTurns } from "./support/turns.ts";
import type { BenchRow } from "./types.ts";

const rank = 16;
const alpha = 32;
const rounds = 4;
const peerNames = { supervised: "PyTorch + PEFT", all: "PyTorch + PEFT, labels to the model" };
const enoughSeconds = 40; // after these no further round is begun: some peers emulate bf16 at a crawl

interface Workload {
  name: string;
  model: { name: string; shape: LlamaShape };
  rows: number[][]; // token ids of each row
  supervisedTail: number; // trained tokens at the end of each row
  peerHead: PeerHead;
  precisions: readonly Precision[];
}

function randomRow(length: number, vocabulary: number, seed: number): number[] {
  let state = seed * 7919 + 13;
  return Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return 3 + (state % (vocabulary - 3));
  });
}

const wide = { name: "118M llama", shape: llama118m };
const deep = { name: "135M llama of 30 layers", shape: llama135m };
// The shape of BANKING77: rows of about 44 tokens of which about 7 are trained.
const shortRows = Array.from({ length: 32 }, (_, i) => randomRow(30 + ((i * 11) % 29), llama118m.vocabulary, i + 2));
const short = { name: "32 rows of 30 to 58", rows: shortRows, supervisedTail: 7 };
const precisions = ["f32", "bf16"] as const;
const workloads: Workload[] = [
  {
    name: "1 row of 512",
    model: wide,
    rows: [randomRow(512, llama118m.vocabulary, 1)],
    supervisedTail: 511,
    peerHead: "supervised",
    precisions,
  },
  { ...short, model: wide, peerHead: "supervised", precisions },
  { ...short, model: wide, peerHead: "all", precisions },
  { ...short, model: deep, peerHead: "supervised", precisions: ["bf16"] },
  { ...short, model: deep, peerHead: "all", precisions: ["bf16"] },
];

const labelsOf = (row: number[], tail: number) => row.map((id, i) => (i >= row.length - tail ? id : -100));

function packed(workload: Workload): MicroBatch {
  const offsets = [0];
  for (const row of workload.rows) offsets.push((offsets.at(-1) ?? 0) + row.length);
  return {
    tokens: Int32Array.from(workload.rows.flat()),
    labels: Int32Array.from(workload.rows.flatMap((row) => labelsOf(row, workload.supervisedTail))),
    offsets: Int32Array.from(offsets),
  };
}

async function measure(
  dir: string,
  workload: Workload,
  precision: Precision,
  python: string | undefined,
): Promise<BenchRow> {
  const threads = cpus().length;
  const batch = packed(workload);
  const tokens = batch.tokens.length;
  const session = await openSession({
    base: { kind: "hf", dir },
    precision,
    threads,
    seed: 1,
    method: {
      kind: "lora",
      rank,
      alpha,
      dropout: 0,
      rsLora: false,
      targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: tokens,
    maxSequenceTokens: Math.max(...workload.rows.map((row) => row.length)),
  });
  let step = 0;
  const ours = async () =>
    (await session.step({ microBatches: [batch], learningRate: 1e-4, clipNorm: 1, step: step++ })).seconds;
  let peer: LineProcess<PeerStep> | null = null;
  if (python) {
    const longest = Math.max(...workload.rows.map((row) => row.length));
    const pad = (row: number[], value: number) => [...row, ...Array<number>(longest - row.length).fill(value)];
    peer = new LineProcess(python, [loraPeer]);
    await peer.ask(
      JSON.stringify({
        model_dir: resolve(dir),
        dtype: precision,
        threads,
        rank,
        alpha,
        batches: [
          {
            ids: workload.rows.map((row) => pad(row, 0)),
            labels: workload.rows.map((row) => pad(labelsOf(row, workload.supervisedTail), -100)),
            lengths: workload.rows.map((row) => row.length),
          },
        ],
        head: workload.peerHead,
      }),
    );
  }
  const [mine, theirs] = await takeTurns(rounds, ours, async () => peer?.ask("step"), enoughSeconds);
  peer?.end();
  await session.close();
  const value = tokens / median(mine);
  const peerValue = peer ? tokens / median(theirs.flatMap((turn) => turn?.seconds ?? [])) : null;
  return {
    name: `lora step ${precision}, ${workload.model.name}, ${workload.name}`,
    value,
    unit: "tokens/s",
    peer: peer ? peerNames[workload.peerHead] : null,
    peerValue,
    ratio: peerValue ? value / peerValue : null,
  };
}

export async function* run(): AsyncGenerator<BenchRow> {
  const python = process.env.ANNEAL_PEER_PYTHON;
  if (!python)
    console.error("ANNEAL_PEER_PYTHON names no Python with torch, transformers and peft: no peer is measured.");
  const dir = mkdtempSync(join(tmpdir(), "anneal-bench-"));
  try {
    for (const workload of workloads) {
      const model = join(dir, workload.model.name);
      if (!existsSync(model)) writeRandomLlama(model, workload.model.shape);
      for (const precision of workload.precisions) yield await measure(model, workload, precision, python);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
