// A base that stays quantised in memory: the same bits as a dense base of the same values, and adapters that learn over it.
import { join } from "node:path";
import { type BaseStorage, planTraining, type Session, type TrainingSpec } from "@anneal/engine";
import { describe, expect, it } from "vitest";
import { writeRandomLlama } from "../../bench/support/random-model.ts";
import { batchOf, lora, specOf, temporaryFolder, train, weightsDigest, withSession } from "./support.ts";

const dir = temporaryFolder();
const folder = join(dir, "model");
// Rows of 256 and more: every type of the export fits.
const shape = { layers: 2, hidden: 256, feedForward: 512, heads: 4, keyValueHeads: 2, vocabulary: 160 };
writeRandomLlama(folder, shape);
const base = { kind: "hf" as const, dir: folder };
const gguf = (type: string) => ({ kind: "gguf" as const, path: join(dir, `${type}.gguf`) });
const types = ["F16", "Q8_0", "Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K"] as const;

const specFor = (changes: Partial<TrainingSpec>) => specOf({ base, method: { ...lora, dropout: 0.1 }, ...changes });
/** Of the frozen base, dense and in blocks. */
const baseBytes = (spec: TrainingSpec) => {
  const { weights, blocks } = planTraining(spec).parts;
  return weights + blocks;
};
const outcome = async (session: Session) => {
  const losses = await train(session, 0, 3);
  const answer = await session.generate({
    prompts: [Int32Array.of(5, 9, 20)],
    maxNewTokens: 6,
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 1,
    stopTokens: [],
    logprobs: 0,
  });
  const { lossSum } = await session.evaluate([batchOf([40, 12], 9)]);
  const { tokens, logprobs } = answer.sequences[0] ?? {};
  return { losses, lossSum, tokens, logprobs, digest: await weightsDigest(session) };
};

describe("a GGUF's own blocks", () => {
  it("give the bits of a dense base of the same values, and take their memory only", async () => {
    await withSession(specOf({ base }), async (session) => {
      for (const type of types) await session.exportGguf(gguf(type).path, { type, metadata: {} });
    });
    for (const type of types) {
      const spec = specFor({ base: gguf(type), threads: 2 });
      const dense = await withSession(spec, outcome);
      expect(await withSession({ ...spec, baseStorage: "blocks" }, outcome), type).toEqual(dense);
      const whole = baseBytes(spec);
      const blocks = baseBytes({ ...spec, baseStorage: "blocks" });
      expect(blocks / whole, type).toBeLessThan(type === "F16" ? 0.51 : type === "Q8_0" ? 0.28 : 0.24);
    }
  });

  it("need a GGUF", () => {
    expect(() => planTraining(specFor({ baseStorage: "blocks" }))).toThrow(/spec\.baseStorage.*folder/);
  });
});

describe("int8 and NF4", () => {
  const relativeError = async (storage: BaseStorage, name: string) => {
    const read = (session: Session) => session.weights(name);
    const want = (await withSession(specFor({}), read)).values;
    const got = (await withSession(specFor({ baseStorage: storage }), read)).values;
    let error = 0;
    let size = 0;
    for (const [i, v] of want.entries()) {
      error += ((got[i] ?? Number.NaN) - v) ** 2;
      size += v ** 2;
    }
    return Math.sqrt(error / size);
  };

  it("keep the weights within what their codes allow", async () => {
    const linear = "model.layers.1.mlp.down_proj.weight";
    expect(await relativeError("int8", linear)).toBeLessThan(0.01);
    const nf4 = await relativeError("nf4", linear);
    expect(nf4).toBeGreaterThan(0.05);
    expect(nf4).toBeLessThan(0.11);
    expect(await relativeError("nf4", "model.embed_tokens.weight")).toBeLessThan(0.01);
  });

  for (const baseStorage of ["int8", "nf4"] as const)
    it(`${baseStorage}: an adapter learns, with the same bits on 1 and 2 threads and with checkpointing`, async () => {
      const spec = specFor({ baseStorage, precision: "bf16" });
      const one = await withSession(spec, outcome);
      expect(await withSession({ ...spec, threads: 2, gradientCheckpointing: true }, outcome)).toEqual(one);
      const small = baseBytes(spec);
      const bf16 = baseBytes({ ...spec, baseStorage: "dense" });
      expect(small / bf16).toBeLessThan(baseStorage === "nf4" ? 0.35 : 0.56);
      const losses = await withSession(spec, async (session) => {
        const microBatches = [batchOf([64, 64])];
        const first = (await session.step({ microBatches, learningRate: 5e-3, clipNorm: 1, step: 0 })).loss;
        for (let step = 1; step < 12; step++)
          await session.step({ microBatches, learningRate: 5e-3, clipNorm: 1, step });
        const last = (await session.step({ microBatches, learningRate: 5e-3, clipNorm: 1, step: 12 })).loss;
        return { first, last };
      });
      expect(losses.last).toBeLessThan(losses.first - 0.5);
    });

  it("are refused where weights are trained", () => {
    for (const baseStorage of ["int8", "nf4"] as const)
      expect(() => planTraining(specOf({ base, baseStorage }))).toThrow(/spec\.baseStorage.*lora/);
    expect(() => planTraining(specFor({ baseStorage: "int4" as BaseStorage }))).toThrow(/spec\.baseStorage/);
  });

  it("export the base as its file holds it, not as it is kept", async () => {
    const exported = gguf("after-nf4");
    await withSession(specFor({ baseStorage: "nf4" }), (session) =>
      session.exportGguf(exported.path, { type: "F32", metadata: {} }),
    );
    const name = "model.layers.0.self_attn.q_proj.weight";
    const values = (source: TrainingSpec["base"]) =>
      withSession(specFor({ base: source }), (session) => session.weights(name));
    expect((await values(exported)).values).toEqual((await values(base)).values);
  });
});
