import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lora, specOf, temporaryFolder, train, weightsDigest, withSession } from "./support.ts";

const dir = temporaryFolder();

describe("saving and resuming", () => {
  for (const precision of ["f32", "bf16"] as const)
    for (const method of [{ kind: "full" as const }, { ...lora, dropout: 0.2 }])
      it(`${precision}, ${method.kind}: a resumed run ends with the file of an undisturbed one`, async () => {
        const spec = specOf({ precision, method });
        const path = (name: string) => join(dir, `${precision}-${method.kind}-${name}`);
        const straight = await withSession(spec, async (session) => {
          await train(session, 0, 3);
          await session.saveState(path("middle"));
          const losses = await train(session, 3, 6);
          return { losses, saved: await session.saveState(path("end")), digest: await weightsDigest(session) };
        });
        const resumed = await withSession({ ...spec, threads: 2 }, async (session) => {
          const { step } = await session.loadState(path("middle"));
          expect(step).toBe(3);
          const losses = await train(session, step, 6);
          return { losses, saved: await session.saveState(path("again")), digest: await weightsDigest(session) };
        });
        expect(resumed).toEqual(straight);
        expect(readFileSync(path("again")).equals(readFileSync(path("end")))).toBe(true);
      });

  it("refuses another session's state and damaged files, and changes nothing", async () => {
    const spec = specOf({ method: lora });
    const good = join(dir, "good");
    await withSession(spec, async (session) => {
      await train(session, 0, 1);
      await session.saveState(good);
    });
    const bytes = readFileSync(good);
    const cut = join(dir, "cut");
    writeFileSync(cut, bytes.subarray(0, bytes.length - 8));
    const noise = join(dir, "noise");
    writeFileSync(noise, Buffer.from("not a state at all"));
    await withSession({ ...spec, method: { ...lora, rank: 8 } }, async (session) => {
      await expect(session.loadState(good)).rejects.toMatchObject({ code: "ENGINE_SHAPE" });
    });
    await withSession({ ...spec, seed: 6 }, async (session) => {
      await expect(session.loadState(good)).rejects.toMatchObject({ code: "ENGINE_INVALID_ARGUMENT" });
    });
    await withSession(spec, async (session) => {
      const before = await weightsDigest(session);
      await expect(session.loadState(cut)).rejects.toMatchObject({ code: "ENGINE_FORMAT" });
      await expect(session.loadState(noise)).rejects.toMatchObject({ code: "ENGINE_FORMAT" });
      await expect(session.loadState(join(dir, "absent"))).rejects.toMatchObject({ code: "ENGINE_IO" });
      expect(await weightsDigest(session)).toBe(before);
    });
  });
});
