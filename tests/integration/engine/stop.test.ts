import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { batchOf, modelDir, specOf, temporaryFolder, train, weightsDigest, withSession } from "./support.ts";

const dir = temporaryFolder();

describe("stop requests", () => {
  it("end a step between micro-batches and leave the state as it was", async () => {
    await withSession(specOf(), async (session) => {
      await train(session, 0, 1);
      const before = await session.saveState(join(dir, "before"));
      const many = Array.from({ length: 2000 }, (_, i) => batchOf([64, 64, 64], i));
      const step = session.step({ microBatches: many, learningRate: 1e-2, clipNorm: 1, step: 1 });
      session.requestStop();
      await expect(step).rejects.toMatchObject({ code: "ENGINE_STOPPED" });
      session.clearStop();
      expect(await session.saveState(join(dir, "after"))).toEqual(before);
      expect(await train(session, 1, 2)).toHaveLength(1);
    });
  });

  it("stay until they are cleared", async () => {
    await withSession(specOf(), async (session) => {
      session.requestStop();
      for (let i = 0; i < 2; i++)
        await expect(session.evaluate([batchOf([20])])).rejects.toMatchObject({ code: "ENGINE_STOPPED" });
      session.clearStop();
      expect((await session.evaluate([batchOf([20])])).supervisedTokens).toBeGreaterThan(0);
    });
  });

  it("end a generation", async () => {
    await withSession(specOf(), async (session) => {
      let tokens = 0;
      const answer = session.generate({
        prompts: [Int32Array.of(1, 2, 3)],
        maxNewTokens: 200,
        temperature: 1,
        topK: 0,
        topP: 1,
        seed: 1,
        stopTokens: [],
        onToken: () => {
          tokens++;
          session.requestStop();
        },
      });
      await expect(answer).rejects.toMatchObject({ code: "ENGINE_STOPPED" });
      expect(tokens).toBeGreaterThan(0);
      expect(tokens).toBeLessThanOrEqual(200);
    });
  });

  it("leave no half-written export", async () => {
    await withSession(specOf(), async (session) => {
      session.requestStop();
      const path = join(dir, "stopped.gguf");
      await expect(session.exportGguf(path, { type: "F16", metadata: {} })).rejects.toMatchObject({
        code: "ENGINE_STOPPED",
      });
      expect(existsSync(path)).toBe(false);
    });
  });

  it("weights that are no numbers are refused; so is a step whose loss is none, and it changes nothing", async () => {
    const broken = join(dir, "broken");
    cpSync(modelDir("llama"), broken, { recursive: true });
    const weights = join(broken, "model.safetensors");
    const bytes = readFileSync(weights);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    writeFileSync(weights, bytes);
    const opened = withSession(specOf({ base: { kind: "hf", dir: broken } }), async () => undefined);
    await expect(opened).rejects.toMatchObject({ code: "ENGINE_FORMAT", message: expect.stringContaining("NaN") });
    bytes.writeFloatLE(3e38, bytes.length - 4);
    writeFileSync(weights, bytes);
    await withSession(specOf({ base: { kind: "hf", dir: broken } }), async (session) => {
      const before = await weightsDigest(session);
      await expect(
        session.step({ microBatches: [batchOf([30])], learningRate: 1e-3, clipNorm: 0, step: 0 }),
      ).rejects.toMatchObject({ code: "ENGINE_NUMERIC" });
      expect(await weightsDigest(session)).toBe(before);
    });
  });
});
