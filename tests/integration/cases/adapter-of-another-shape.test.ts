// Adapters with ranks of their own go on exactly; what cannot be continued is refused before anything is loaded.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectAdapter, inspectModel, LINEAR_NAMES, openSession, planTraining } from "@anneal/engine";
import { afterAll, describe, expect, test } from "vitest";
import { openSafetensors } from "../../support/model-files/safetensors.ts";
import { SafetensorsImage } from "../../support/model-files/safetensors-image.ts";
import { caseFolder, rowsOf, settings } from "./support.ts";

const folder = caseFolder("adapter-of-another-shape");
const dir = join(folder, "base");
const base = { kind: "hf" as const, dir };
const root = mkdtempSync(join(tmpdir(), "anneal-adapter-shape-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const method = { kind: "lora" as const, rank: 8, alpha: 16, dropout: 0, rsLora: false, targets: [...LINEAR_NAMES] };
const train = rowsOf(dir, join(folder, "train.jsonl"));
const open = (adapter: string) => openSession(settings(dir, { method, adapter }));
async function firstLoss(adapter: string): Promise<number> {
  const session = await open(adapter);
  const { loss } = await session.step({ microBatches: [train], learningRate: 0, clipNorm: 1, step: 0 });
  await session.close();
  return loss;
}

interface Tensor {
  shape: number[];
  values: Float32Array;
}
/** A copy of the plain folder with its two files changed. */
function changed(
  config: Record<string, unknown>,
  tensors: (name: string, tensor: Tensor) => Tensor | null = (_, tensor) => tensor,
  extra: Record<string, Tensor> = {},
): string {
  const copy = mkdtempSync(join(root, "adapter-"));
  cpSync(join(folder, "plain"), copy, { recursive: true });
  const path = join(copy, "adapter_config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...config }));
  const source = openSafetensors(join(folder, "plain", "adapter_model.safetensors"));
  const image = new SafetensorsImage();
  const own = source.names.map((name): [string, Tensor] => [
    name,
    { shape: source.shape(name), values: source.floats(name) },
  ]);
  const all = [...own, ...Object.entries(extra)];
  for (const [name, tensor] of all) {
    const kept = tensors(name, tensor);
    if (kept) image.add(name, kept.shape, kept.values);
  }
  writeFileSync(join(copy, "adapter_model.safetensors"), image.bytes());
  return copy;
}
const tensorOf = (shape: number[], value = 0.01): Tensor => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
});
const q = "base_model.model.model.layers.0.self_attn.q_proj";

describe("applied exactly", () => {
  test("a plain adapter", async () => {
    expect(await firstLoss(join(folder, "plain"))).toBeCloseTo(6.21176, 4);
    expect(inspectAdapter(base, join(folder, "plain"))).toMatchObject({ rank: 8, alpha: 16, baseModelName: "base" });
  });

  test("a rank and an alpha of its own, and again after it was exported", async () => {
    const from = join(folder, "rank-pattern");
    expect(await firstLoss(from)).toBeCloseTo(6.30922, 4);
    const session = await open(from);
    const out = join(root, "again");
    await session.exportAdapter(out);
    await session.close();
    const written = JSON.parse(readFileSync(join(out, "adapter_config.json"), "utf8"));
    expect(written).toMatchObject({
      rank_pattern: { "model.layers.0.self_attn.q_proj": 16 },
      alpha_pattern: { "model.layers.0.self_attn.q_proj": 64 },
    });
    expect(await firstLoss(out)).toBeCloseTo(6.30922, 4);
  });

  test("alpha alone, by the name of the layer: the same as another alpha for that layer", async () => {
    const twice = changed({ alpha_pattern: { "layers.0.self_attn.q_proj": 32 } });
    const scaled = changed({}, (name, tensor) =>
      name === `${q}.lora_B.weight` ? { ...tensor, values: tensor.values.map((v) => 2 * v) } : tensor,
    );
    expect(await firstLoss(twice)).toBeCloseTo(await firstLoss(scaled), 5);
    expect(await firstLoss(changed({ alpha_pattern: { nothing_here: 32 } }))).toBeCloseTo(6.21176, 4);
  });

  test("merged into the base it is the same model", async () => {
    const session = await open(join(folder, "rank-pattern"));
    const merged = join(root, "merged");
    await session.exportMerged(merged, { dtype: "f32" });
    await session.close();
    const whole = await openSession(settings(merged));
    const { lossSum, supervisedTokens } = await whole.evaluate([train]);
    await whole.close();
    expect(lossSum / supervisedTokens).toBeCloseTo(6.30922, 4);
  });
});

const hidden = inspectModel(base).hiddenSize;
const refused: [string, () => string, string, RegExp][] = [
  ["a trained head", () => join(folder, "whole-head"), "ENGINE_UNSUPPORTED", /field "modules_to_save"/],
  ["another method", () => changed({ peft_type: "IA3" }), "ENGINE_UNSUPPORTED", /field "peft_type": must be LORA/],
  ["trained biases", () => changed({ bias: "lora_only" }), "ENGINE_UNSUPPORTED", /field "bias"/],
  [
    "a pattern that is a regular expression",
    () => changed({ rank_pattern: { "(q|k)_proj": 8 } }),
    "ENGINE_UNSUPPORTED",
    /field "rank_pattern"/,
  ],
  [
    "a rank pattern that the tensors do not follow",
    () => changed({ rank_pattern: { q_proj: 4 } }),
    "ENGINE_FORMAT",
    /does not fit r = 4 \(of rank_pattern\)/,
  ],
  ["another rank than the tensors'", () => changed({ r: 4 }), "ENGINE_FORMAT", /does not fit r = 4/],
  [
    "a NaN",
    () => changed({}, (name, tensor) => (name === `${q}.lora_A.weight` ? tensorOf(tensor.shape, Number.NaN) : tensor)),
    "ENGINE_FORMAT",
    /q_proj\.lora_A\.weight": holds a NaN or infinity/,
  ],
  [
    "an infinity",
    () => changed({}, (name, tensor) => (name === `${q}.lora_B.weight` ? tensorOf(tensor.shape, -1 / 0) : tensor)),
    "ENGINE_FORMAT",
    /holds a NaN or infinity/,
  ],
  [
    "a base of another width",
    () => changed({}, (name, tensor) => (name === `${q}.lora_A.weight` ? tensorOf([8, hidden / 2]) : tensor)),
    "ENGINE_SHAPE",
    new RegExp(`has the shape \\(8, ${hidden / 2}\\), this base needs \\(8, ${hidden}\\)`),
  ],
  [
    "a base of more layers",
    () =>
      changed({}, undefined, {
        "base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight": tensorOf([8, hidden]),
        "base_model.model.model.layers.7.self_attn.q_proj.lora_B.weight": tensorOf([hidden, 8]),
      }),
    "ENGINE_SHAPE",
    /is of layer 7; the base has 2 layers/,
  ],
  [
    "a base of fewer layers",
    () => changed({}, (name, tensor) => (name.includes("layers.1.") ? null : tensor)),
    "ENGINE_SHAPE",
    /the adapter ends with layer 0, the base has 2 layers/,
  ],
  [
    "some layers only",
    () => changed({}, (name, tensor) => (name.includes("layers.0.self_attn.q_proj") ? null : tensor)),
    "ENGINE_UNSUPPORTED",
    /adapters of some layers only are not read/,
  ],
  [
    "modules of another family",
    () =>
      changed({}, undefined, {
        "base_model.model.model.layers.0.self_attn.qkv_proj.lora_A.weight": tensorOf([8, hidden]),
        "base_model.model.model.layers.0.self_attn.qkv_proj.lora_B.weight": tensorOf([hidden, 8]),
      }),
    "ENGINE_SHAPE",
    /adapts "model\.layers\.0\.self_attn\.qkv_proj", which this base does not have/,
  ],
  [
    "an adapted embedding",
    () =>
      changed({}, undefined, {
        "base_model.model.model.embed_tokens.lora_A.weight": tensorOf([8, hidden]),
        "base_model.model.model.embed_tokens.lora_B.weight": tensorOf([hidden, 8]),
      }),
    "ENGINE_UNSUPPORTED",
    /adapts the embedding/,
  ],
  [
    "targets that leave out what is adapted",
    () => changed({ target_modules: ["k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] }),
    "ENGINE_FORMAT",
    /field "target_modules": does not name "model\.layers\.0\.self_attn\.q_proj"/,
  ],
  ["targets that name nothing", () => changed({ target_modules: [] }), "ENGINE_FORMAT", /field "target_modules"/],
  [
    "targets that name what is not adapted",
    () => changed({}, (name, tensor) => (name.includes(".q_proj.") ? null : tensor)),
    "ENGINE_FORMAT",
    /field "target_modules": names "q_proj"/,
  ],
];
describe("refused by the plan", () => {
  test.each(refused)("%s", (_, write, code, says) => {
    const adapter = write();
    let thrown: unknown;
    try {
      inspectAdapter(base, adapter);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code, message: expect.stringMatching(says) });
    if (!/NaN/.test(String(says))) expect(() => planTraining(settings(dir, { method, adapter }))).toThrow(says);
  });

  test("names of PEFT that mean nothing here and patterns are passed over", () => {
    const targets = [...LINEAR_NAMES, "c_attn", "lm_head_of_another"];
    expect(inspectAdapter(base, changed({ target_modules: targets })).targets.sort()).toEqual([...LINEAR_NAMES].sort());
    expect(inspectAdapter(base, changed({ target_modules: "((a+)+)+b" })).targets).toHaveLength(7);
    expect(inspectAdapter(base, changed({ target_modules: null })).targets).toHaveLength(7);
  });
});
