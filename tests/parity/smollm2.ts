// A real model against transformers and PEFT: token log-probabilities, greedy tokens and ten LoRA steps.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import {
  type LinearName,
  type MicroBatch,
  openSession,
  type Session,
  type TrainingSpec,
} from "../../packages/engine/src/index.ts";
import { openSafetensors, type SafetensorsReader } from "../support/model-files/safetensors.ts";
import { sharedPath } from "../support/paths.ts";
import type { CaseResult } from "../support/suite-result.ts";
import { verdict, worstAbsolute, worstScaled } from "./compare.ts";

const ModelCase = z.object({
  model_file: z.string(),
  model_sha256: z.string(),
  rows: z.array(
    z.object({
      ids: z.array(z.number().int()),
      supervised_from: z.number().int(),
      token_logprobs: z.array(z.number()),
      loss_sum: z.number(),
    }),
  ),
  greedy: z.array(z.object({ ids: z.array(z.number().int()), output: z.array(z.number().int()) })),
  lora: z.object({
    r: z.number().int(),
    alpha: z.number(),
    targets: z.array(z.string()),
    lr: z.number(),
    beta1: z.number(),
    beta2: z.number(),
    eps: z.number(),
    weight_decay: z.number(),
    clip: z.number(),
    steps: z.number().int(),
    losses: z.array(z.number()),
    grad_norms: z.array(z.number()),
  }),
});
type ModelCase = z.infer<typeof ModelCase>;

const LOGPROB_LIMIT = 2e-3;
const CURVE_LIMIT = 1e-3;
const LOGITS_LIMIT = 1e-2;

/** The file of that name and digest below ../shared/models or ANNEAL_MODELS; null where there is none. */
async function findModel(file: string, sha256: string): Promise<string | null> {
  for (const root of [process.env.ANNEAL_MODELS, sharedPath("models")]) {
    if (!root || !existsSync(root)) continue;
    for (const entry of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (basename(entry) !== file) continue;
      const hash = createHash("sha256");
      await pipeline(createReadStream(join(root, entry)), hash);
      if (hash.digest("hex") === sha256) return join(root, entry);
    }
  }
  return null;
}

/** Rows end to end; labels from `labelFrom(row)` on. */
function packRows(golden: ModelCase, labelFrom: (row: ModelCase["rows"][number]) => number): MicroBatch {
  const offsets = [0];
  for (const row of golden.rows) offsets.push((offsets.at(-1) ?? 0) + row.ids.length);
  return {
    tokens: Int32Array.from(golden.rows.flatMap((row) => row.ids)),
    labels: Int32Array.from(golden.rows.flatMap((row) => row.ids.map((id, i) => (i < labelFrom(row) ? -100 : id)))),
    offsets: Int32Array.from(offsets),
  };
}

/** Writes the goldens' starting adapter as a PEFT folder. */
function writeInitialAdapter(dir: string, golden: ModelCase, reference: SafetensorsReader): void {
  const names = reference.names.filter((name) => name.startsWith("init."));
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const name of names) {
    const bytes = reference.bytes(name);
    const peftName = name.slice("init.".length).replace(".default.", ".");
    header[peftName] = { dtype: "F32", shape: reference.shape(name), data_offsets: [at, at + bytes.length] };
    at += bytes.length;
    parts.push(bytes);
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(dir, "adapter_model.safetensors"), Buffer.concat([length, text, ...parts]));
  const { r, alpha, targets } = golden.lora;
  const config = {
    peft_type: "LORA",
    r,
    lora_alpha: alpha,
    lora_dropout: 0,
    use_rslora: false,
    bias: "none",
    target_modules: targets,
    base_model_name_or_path: golden.model_file,
    task_type: "CAUSAL_LM",
  };
  writeFileSync(join(dir, "adapter_config.json"), JSON.stringify(config));
}

function specOf(path: string, adapter: string, golden: ModelCase): TrainingSpec {
  const { lora } = golden;
  const lengths = golden.rows.map((row) => row.ids.length);
  return {
    base: { kind: "gguf", path },
    precision: "f32",
    seed: 1,
    method: {
      kind: "lora",
      rank: lora.r,
      alpha: lora.alpha,
      dropout: 0,
      rsLora: false,
      targets: lora.targets as LinearName[],
    },
    optimizer: {
      kind: "adamw",
      beta1: lora.beta1,
      beta2: lora.beta2,
      epsilon: lora.eps,
      weightDecay: lora.weight_decay,
    },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: lengths.reduce((sum, length) => sum + length, 0),
    maxSequenceTokens: Math.max(...lengths),
    adapter,
  };
}

async function* checkForward(
  name: string,
  session: Session,
  golden: ModelCase,
  reference: SafetensorsReader,
): AsyncIterable<CaseResult> {
  const all = await session.evaluate([packRows(golden, () => 1)], { tokenLogprobs: true, baseOnly: true });
  const want = golden.rows.flatMap((row) => row.token_logprobs);
  yield verdict(`${name} token log-probabilities`, worstAbsolute(all.tokenLogprobs ?? [], want), LOGPROB_LIMIT);
  const answers = await session.evaluate([packRows(golden, (row) => row.supervised_from)], { baseOnly: true });
  const sums = answers.perSequence.map((sequence) => sequence.loss);
  yield verdict(
    `${name} loss of each row`,
    worstScaled(
      sums,
      golden.rows.map((row) => row.loss_sum),
    ),
    CURVE_LIMIT,
  );

  // last_logits_i belongs to row i of the rows; the adapter starts as zero, so the session answers as the base does.
  for (const tensor of reference.names.filter((n) => /^last_logits_\d+$/.test(n))) {
    const row = golden.rows[Number(tensor.slice("last_logits_".length))];
    if (!row) throw new Error(`${name}: ${tensor} has no row`);
    const batch = {
      tokens: Int32Array.from(row.ids),
      labels: Int32Array.from(row.ids),
      offsets: Int32Array.from([0, row.ids.length]),
    };
    const { values } = await session.logits(batch, Int32Array.from([row.ids.length - 1]));
    yield verdict(`${name} ${tensor}`, worstScaled(values, reference.floats(tensor)), LOGITS_LIMIT);
  }
}

async function* checkGreedy(name: string, session: Session, golden: ModelCase): AsyncIterable<CaseResult> {
  for (const [i, { ids, output }] of golden.greedy.entries()) {
    const { sequences } = await session.generate({
      prompts: [Int32Array.from(ids)],
      maxNewTokens: output.length,
      temperature: 0,
      topK: 0,
      topP: 1,
      seed: 0,
      stopTokens: [],
      baseOnly: true,
    });
    const tokens = sequences[0]?.tokens ?? new Int32Array();
    const at = output.findIndex((token, t) => tokens[t] !== token);
    yield {
      name: `${name} greedy ${i}`,
      status: at < 0 ? "passed" : "failed",
      detail: at < 0 ? `${output.length} tokens` : `token ${at} is ${tokens[at]}, expected ${output[at]}`,
    };
  }
}

async function* checkLora(name: string, session: Session, golden: ModelCase): AsyncIterable<CaseResult> {
  const { lora } = golden;
  const microBatches = [packRows(golden, (row) => row.supervised_from)];
  const losses: number[] = [];
  const gradNorms: number[] = [];
  for (let step = 0; step < lora.steps; step++) {
    const result = await session.step({ microBatches, learningRate: lora.lr, clipNorm: lora.clip, step });
    losses.push(result.loss);
    gradNorms.push(result.gradNorm);
  }
  const relative = (got: number[], want: number[]) =>
    worstAbsolute(
      got.map((value, i) => value / (want[i] ?? Number.NaN)),
      want.map(() => 1),
    );
  yield verdict(`${name} lora: losses`, relative(losses, lora.losses), CURVE_LIMIT);
  yield verdict(`${name} lora: gradient norms`, relative(gradNorms, lora.grad_norms), 10 * CURVE_LIMIT);
}

/** Checks a folder whose case.json names a model file; skipped with a word where that file is not on this machine. */
export async function* check(dir: string): AsyncIterable<CaseResult> {
  const name = basename(dir);
  const golden = ModelCase.parse(JSON.parse(readFileSync(join(dir, "case.json"), "utf8")));
  const path = await findModel(golden.model_file, golden.model_sha256);
  if (!path) {
    yield {
      name,
      status: "skipped",
      detail: `no ${golden.model_file} with that SHA-256 in ../shared/models or below ANNEAL_MODELS`,
    };
    return;
  }
  const reference = openSafetensors(join(dir, "expected.safetensors"));
  const adapter = mkdtempSync(join(tmpdir(), "anneal-parity-"));
  try {
    writeInitialAdapter(adapter, golden, reference);
    const session = await openSession(specOf(path, adapter, golden));
    try {
      yield* checkForward(name, session, golden, reference);
      yield* checkGreedy(name, session, golden);
      yield* checkLora(name, session, golden);
    } finally {
      await session.close();
    }
  } finally {
    rmSync(adapter, { recursive: true });
  }
}
