// Model families against transformers and PEFT: logits, every gradient, ten full and ten LoRA steps. Sizes are read from the files.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { EngineError, inspectModel, openSession, type Session } from "../../packages/engine/src/index.ts";
import { openSafetensors, type SafetensorsReader } from "../support/model-files/safetensors.ts";
import type { CaseResult } from "../support/suite-result.ts";
import { checkBf16 } from "./bf16.ts";
import { normOf, relativeToNorm, verdict, worstAbsolute, worstScaled } from "./compare.ts";
import { FamilyCase, goldenRate, packedBatch, packedLogits, rowBatch, specOf } from "./family-case.ts";
import { checkObjectives } from "./objectives.ts";

const LOGITS_LIMIT = 1e-4;
const GRADIENT_LIMIT = 1e-4;
// An error below GRADIENT_LIMIT times this part of the whole gradient is less than float32 tells.
const ROUNDING = 1e-4;
const CURVE_LIMIT = 1e-4;
const WEIGHTS_LIMIT = 1e-3;
// Ten steps of Adam turn the rounding of a gradient near zero into whole steps, and logits magnify what weights barely show.
const LOGITS_AFTER_LIMIT = 5e-3;

async function trainCurve(session: Session, golden: FamilyCase, kind: "full" | "lora") {
  const { hyper } = golden[kind];
  const microBatches = golden.lengths.map((_, row) => rowBatch(golden, row));
  const losses: number[] = [];
  const gradNorms: number[] = [];
  for (let step = 0; step < hyper.steps; step++) {
    const learningRate = goldenRate(hyper, step);
    const result = await session.step({ microBatches, learningRate, clipNorm: hyper.max_grad_norm, step });
    losses.push(result.loss);
    gradNorms.push(result.gradNorm);
  }
  return { losses, gradNorms };
}

async function* checkFull(
  name: string,
  dir: string,
  golden: FamilyCase,
  reference: SafetensorsReader,
): AsyncIterable<CaseResult> {
  const session = await openSession(specOf(dir, golden, "full"));
  try {
    const packed = packedBatch(golden);
    const logits = await session.logits(packed);
    yield verdict(
      `${name} logits`,
      worstAbsolute(logits.values, packedLogits(golden, reference, "logits")),
      LOGITS_LIMIT,
    );
    const { loss, tensors } = await session.gradients([packed]);
    yield verdict(`${name} loss`, Math.abs(loss - golden.loss), CURVE_LIMIT);
    // Shared experts that are none have weights without a value in transformers.
    const wanted = reference.names.filter((n) => n.startsWith("grad.") && !reference.shape(n).includes(0));
    // A gradient that cancels to nothing (a router's of one expert whose weight is 1) is rounding alone: held to the whole's norm.
    const least = ROUNDING * Math.hypot(...wanted.map((n) => normOf(reference.floats(n))));
    let worst = tensors.length === wanted.length ? 0 : Number.POSITIVE_INFINITY;
    let worstName = `${tensors.length} tensors, ${wanted.length} expected`;
    for (const tensor of tensors) {
      const distance = relativeToNorm(tensor.values, reference.floats(`grad.${tensor.name}`), least);
      if (distance >= worst) worstName = tensor.name;
      worst = Math.max(worst, distance);
    }
    yield verdict(`${name} gradients`, worst, GRADIENT_LIMIT, worstName);

    const { losses, gradNorms } = await trainCurve(session, golden, "full");
    yield verdict(`${name} full: losses`, worstScaled(losses, golden.full.losses), CURVE_LIMIT);
    yield verdict(`${name} full: gradient norms`, worstScaled(gradNorms, golden.full.grad_norms), CURVE_LIMIT);
    let after = 0;
    for (const tensor of session.trainableNames()) {
      const { values } = await session.weights(tensor);
      after = Math.max(after, relativeToNorm(values, reference.floats(`full_after.${tensor}`)));
    }
    yield verdict(`${name} full: weights after`, after, WEIGHTS_LIMIT);
  } finally {
    await session.close();
  }
}

async function* checkLora(
  name: string,
  dir: string,
  golden: FamilyCase,
  reference: SafetensorsReader,
): AsyncIterable<CaseResult> {
  const session = await openSession(specOf(dir, golden, "lora"));
  const out = mkdtempSync(join(tmpdir(), "anneal-parity-"));
  try {
    const { losses, gradNorms } = await trainCurve(session, golden, "lora");
    yield verdict(`${name} lora: losses`, worstScaled(losses, golden.lora.losses), CURVE_LIMIT);
    yield verdict(`${name} lora: gradient norms`, worstScaled(gradNorms, golden.lora.grad_norms), CURVE_LIMIT);
    const logits = await session.logits(packedBatch(golden));
    const want = packedLogits(golden, reference, "lora_after_logits");
    yield verdict(`${name} lora: logits after`, worstScaled(logits.values, want), LOGITS_AFTER_LIMIT);

    await session.exportAdapter(out);
    const got = openSafetensors(join(out, "adapter_model.safetensors"));
    const peft = openSafetensors(join(dir, "adapter_after", "adapter_model.safetensors"));
    const sameNames = [...got.names].sort().join() === [...peft.names].sort().join();
    let worst = sameNames ? 0 : Number.POSITIVE_INFINITY;
    if (sameNames) for (const n of peft.names) worst = Math.max(worst, relativeToNorm(got.floats(n), peft.floats(n)));
    yield verdict(
      `${name} lora: adapter after`,
      worst,
      WEIGHTS_LIMIT,
      sameNames ? "" : "tensor names differ from PEFT's",
    );
  } finally {
    await session.close();
    rmSync(out, { recursive: true });
  }
}

/** Checks a folder with config.json, case.json and expected.safetensors; a family the engine lacks is skipped with its reason. */
export async function* check(dir: string): AsyncIterable<CaseResult> {
  const name = basename(dir);
  try {
    inspectModel({ kind: "hf", dir });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    yield { name, status: error.code === "ENGINE_UNSUPPORTED" ? "skipped" : "failed", detail: error.message };
    return;
  }
  const golden = FamilyCase.parse(JSON.parse(readFileSync(join(dir, "case.json"), "utf8")));
  const reference = openSafetensors(join(dir, "expected.safetensors"));
  const parts: [string, () => AsyncIterable<CaseResult>][] = [
    ["full", () => checkFull(name, dir, golden, reference)],
    ["lora", () => checkLora(name, dir, golden, reference)],
    ["objectives", () => checkObjectives(name, dir, golden)],
    ["bf16", () => checkBf16(dir, golden, reference)],
  ];
  // What the engine refuses in one part fails that part; the others, and other folders, are still checked.
  for (const [part, run] of parts)
    try {
      yield* run();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      yield { name: `${name} ${part}`, status: "failed", detail: error.message };
    }
}
