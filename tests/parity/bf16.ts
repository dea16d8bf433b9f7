// The same cases with bf16 products, against the same float32 reference.
//
// Rounding an operand to bf16 errs by 2^-9 at most, 2^-9 / sqrt(3) in the mean square; a product has two operands, so its result is off by
// about 1.6e-3 of its norm. From the embedding to the logits lie five products one behind the other in every layer (projections, scores,
// values, output, feed-forward twice over) and the head; errors of different products are independent and add up by squares. Gradients
// pass three times as many. Norms and sharp softmaxes between stretch an error, by less than the factor that is allowed (on the goldens
// it is 1 to 2, with weights twice as large 4). A mixture of experts can
// send a token to another expert where two scores lie closer than the error: that moves a token's output by a part of itself, so its
// band is wider. Errors are of all logits, and of all gradients, as one vector: a tensor whose gradient cancels to nothing has no error
// relative to itself.
import { basename } from "node:path";
import { inspectModel, openSession, type Session } from "../../packages/engine/src/index.ts";
import type { SafetensorsReader } from "../support/model-files/safetensors.ts";
import type { CaseResult } from "../support/suite-result.ts";
import { relativeToNorm, verdict, worstScaled } from "./compare.ts";
import { type FamilyCase, goldenRate, packedBatch, packedLogits, rowBatch, specOf } from "./family-case.ts";

const PRODUCT = 2 ** -9 * Math.sqrt(2 / 3);
const STRETCH = 6;
const EXPERTS = 6;

interface Bands {
  logits: number;
  gradients: number;
  losses: number;
}

export function bandsOf(layers: number, experts: boolean): Bands {
  const products = 5 * layers + 1;
  const logits = STRETCH * PRODUCT * Math.sqrt(products) * (experts ? EXPERTS : 1);
  // A loss is a mean over many tokens, whose errors partly cancel; Adam feeds each step's error into the next.
  return { logits, gradients: logits * Math.sqrt(3), losses: logits };
}

async function losses(session: Session, golden: FamilyCase, kind: "full" | "lora"): Promise<number[]> {
  const { hyper } = golden[kind];
  const microBatches = golden.lengths.map((_, row) => rowBatch(golden, row));
  const all: number[] = [];
  for (let step = 0; step < hyper.steps; step++) {
    const learningRate = goldenRate(hyper, step);
    all.push((await session.step({ microBatches, learningRate, clipNorm: hyper.max_grad_norm, step })).loss);
  }
  return all;
}

export async function* checkBf16(
  dir: string,
  golden: FamilyCase,
  reference: SafetensorsReader,
): AsyncIterable<CaseResult> {
  const name = `${basename(dir)} bf16`;
  const { layers, family } = inspectModel({ kind: "hf", dir });
  const bands = bandsOf(layers, /moe|deepseek/.test(family));
  const full = await openSession({ ...specOf(dir, golden, "full"), precision: "bf16" });
  try {
    const packed = packedBatch(golden);
    const { values } = await full.logits(packed);
    yield verdict(`${name} logits`, relativeToNorm(values, packedLogits(golden, reference, "logits")), bands.logits);
    const { tensors } = await full.gradients([packed]);
    const flat = (parts: Float32Array[]) => parts.flatMap((part) => [...part]);
    const distance = relativeToNorm(
      flat(tensors.map((t) => t.values)),
      flat(tensors.map((t) => reference.floats(`grad.${t.name}`))),
    );
    yield verdict(`${name} gradients`, distance, bands.gradients);
    yield verdict(
      `${name} full: losses`,
      worstScaled(await losses(full, golden, "full"), golden.full.losses),
      bands.losses,
    );
  } finally {
    await full.close();
  }
  const lora = await openSession({ ...specOf(dir, golden, "lora"), precision: "bf16" });
  try {
    yield verdict(
      `${name} lora: losses`,
      worstScaled(await losses(lora, golden, "lora"), golden.lora.losses),
      bands.losses,
    );
  } finally {
    await lora.close();
  }
}
