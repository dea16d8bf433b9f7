// Adapter folders as real PEFT writes them: what is adapted is told by the tensors, however target_modules put it.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectModel, LINEAR_NAMES, openSession } from "@anneal/engine";
import { afterAll, expect, test } from "vitest";
import { fixtures } from "../../../support/paths.ts";
import { batchOf, lora, modelDir, specOf, worstDifference } from "../support.ts";

const root = mkdtempSync(join(tmpdir(), "anneal-adapter-folders-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const golden = join(modelDir("llama"), "adapter_after");
const config: Record<string, unknown> = JSON.parse(readFileSync(join(golden, "adapter_config.json"), "utf8"));

function folderWith(changes: Record<string, unknown>): string {
  const dir = mkdtempSync(join(root, "adapter-"));
  cpSync(golden, dir, { recursive: true });
  writeFileSync(join(dir, "adapter_config.json"), JSON.stringify({ ...config, ...changes }));
  return dir;
}

const batch = batchOf([12]);
async function logitsWith(adapter: string): Promise<Float32Array> {
  const session = await openSession(specOf({ method: lora, adapter }));
  const { values } = await session.logits(batch);
  await session.close();
  return values;
}

async function divergenceFrom(adapter: string): Promise<number> {
  const teacher = { kind: "hf" as const, dir: modelDir("llama"), adapter };
  const distill = {
    kind: "distill" as const,
    divergence: "forward_kl" as const,
    temperature: 1,
    crossEntropyWeight: 0,
  };
  const session = await openSession(specOf({ method: lora, objective: { ...distill, teacher } }));
  const { loss } = await session.measure([batch]);
  await session.close();
  return loss;
}

test("the plain feed-forwards of a mixture are named as parameters: as modules PEFT takes them for the experts'", async () => {
  const base = { kind: "hf" as const, dir: join(fixtures, "goldens", "deepseek_v3") };
  const method = { ...lora, targets: [...inspectModel(base).linearNames] };
  const session = await openSession(specOf({ base, method }));
  await session.step({ microBatches: [batch], learningRate: 1e-2, clipNorm: 1, step: 0 });
  const dir = join(root, "mixture");
  await session.exportAdapter(dir);
  const { values } = await session.logits(batch);
  await session.close();
  const written = JSON.parse(readFileSync(join(dir, "adapter_config.json"), "utf8"));
  expect(written.target_modules).toEqual(["q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"]);
  const plain = ["mlp", "shared_experts"].flatMap((at) => ["gate", "up", "down"].map((n) => `${at}.${n}_proj.weight`));
  expect(written.target_parameters).toEqual(["gate_up_proj", "down_proj", ...plain]);
  const again = await openSession(specOf({ base, method, adapter: dir }));
  expect(worstDifference((await again.logits(batch)).values, values)).toBe(0);
  await again.close();
});

// As LoraConfig(target_modules="all-linear") is saved.
const paths = [0, 1].flatMap((layer) =>
  LINEAR_NAMES.slice(0, 7).map(
    (name) => `model.layers.${layer}.${/^(gate|up|down)/.test(name) ? "mlp" : "self_attn"}.${name}`,
  ),
);
test.each([
  ["a pattern", String.raw`.*\.(q|k|v|o|gate|up|down)_proj`],
  ["whole paths", paths],
  ["ends of paths", ["self_attn.q_proj", "k_proj", "v_proj", "o_proj", "mlp.gate_proj", "up_proj", "mlp.down_proj"]],
])("target_modules as %s", async (_, targets) => {
  const dir = folderWith({ target_modules: targets, exclude_modules: ["lm_head"], init_lora_weights: "gaussian" });
  expect(worstDifference(await logitsWith(dir), await logitsWith(golden))).toBe(0);
  expect(await divergenceFrom(dir)).toBe(await divergenceFrom(golden));
});
