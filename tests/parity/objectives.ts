// Preference and distillation values of a family's case through the engine's own objectives.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSession } from "../../packages/engine/src/index.ts";
import type { CaseResult } from "../support/suite-result.ts";
import { verdict, worstScaled } from "./compare.ts";
import { type FamilyCase, packedBatch, specOf } from "./family-case.ts";

const VALUE_LIMIT = 1e-5;

/** Where a session of the goldens stands once the model after LoRA is loaded: what it started from is another matter. */
async function stateAfter(dir: string, golden: FamilyCase, path: string): Promise<void> {
  const session = await openSession({ ...specOf(dir, golden, "lora"), adapter: join(dir, "adapter_after") });
  try {
    await session.saveState(path);
  } finally {
    await session.close();
  }
}

/** Policy: the model after LoRA; reference: the base, which a fresh adapter is; row 0 is chosen, row 1 rejected. */
async function* checkDpo(name: string, dir: string, golden: FamilyCase): AsyncIterable<CaseResult> {
  const { dpo } = golden;
  if (!dpo) {
    yield { name: `${name} dpo`, status: "skipped", detail: "case.json holds no pair" };
    return;
  }
  const { adapter: _, ...spec } = specOf(dir, golden, "lora");
  const session = await openSession({ ...spec, objective: { kind: "dpo", beta: dpo.beta, labelSmoothing: 0 } });
  const folder = mkdtempSync(join(tmpdir(), "anneal-parity-"));
  try {
    await stateAfter(dir, golden, join(folder, "after"));
    await session.loadState(join(folder, "after"));
    const pair = packedBatch(golden, [0, 1]);
    const policy = await session.scores(pair);
    const reference = await session.scores(pair, { baseOnly: true });
    yield verdict(
      `${name} dpo: log-probabilities`,
      worstScaled(
        [...policy.sums, ...reference.sums],
        [dpo.policy_chosen, dpo.policy_rejected, dpo.reference_chosen, dpo.reference_rejected],
      ),
      VALUE_LIMIT,
    );
    const { loss, metrics } = await session.measure([pair]);
    yield verdict(
      `${name} dpo: loss and margin`,
      worstScaled([loss, metrics.rewardMargin ?? Number.NaN], [dpo.loss, dpo.reward_margin]),
      VALUE_LIMIT,
    );
  } finally {
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Teacher: the model after LoRA; student: the base, whose fresh adapter adds nothing. */
async function* checkDistill(name: string, dir: string, golden: FamilyCase): AsyncIterable<CaseResult> {
  const { adapter: _, ...spec } = specOf(dir, golden, "lora");
  const session = await openSession({
    ...spec,
    objective: {
      kind: "distill",
      divergence: "forward_kl",
      temperature: golden.distill.temperature,
      crossEntropyWeight: 0,
      teacher: { kind: "hf", dir, adapter: join(dir, "adapter_after") },
    },
  });
  try {
    const { loss } = await session.measure([packedBatch(golden)]);
    yield verdict(`${name} distill: divergence`, worstScaled([loss], [golden.distill.kl_teacher_student]), VALUE_LIMIT);
  } finally {
    await session.close();
  }
}

export async function* checkObjectives(name: string, dir: string, golden: FamilyCase): AsyncIterable<CaseResult> {
  yield* checkDpo(name, dir, golden);
  yield* checkDistill(name, dir, golden);
}
