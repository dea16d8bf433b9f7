import { describe, expect, it } from "vitest";
import { RunSpec } from "./run-spec.ts";
import { readStoredSpec, specVersion, storeSpec } from "./stored-spec.ts";
import shapes from "./stored-specs.json" with { type: "json" };

// Each shape that a commit's RunSpec gave its specs, parsed with the code of that commit.
const stored: { commit: string; name: string; spec: Record<string, unknown> }[] = shapes;

const least = { base: "ollama:tiny", dataset: "018f0000-0000-7000-8000-000000000001" };

describe("specs that were stored", () => {
  it.each(stored.map((one) => [one.commit, one.name, one.spec] as const))("%s %s keeps all it says", (_c, _n, spec) => {
    const read = readStoredSpec(spec);
    expect(read).toMatchObject({ ...spec, gradientCheckpointing: "off" }); // a switch in these commits
    // Written again and read again it is the same.
    expect(readStoredSpec(JSON.parse(JSON.stringify(storeSpec(read))))).toEqual(read);
  });

  it("gives fields that came later what they meant where they were absent", () => {
    const oldest = stored.find(({ commit, name }) => commit === "5c9139c" && name === "lora");
    expect(readStoredSpec(oldest?.spec ?? {})).toMatchObject({
      method: { kind: "lora", rank: 4, dora: false, loraPlusRatio: 1, startFrom: null },
      adapters: [],
      objective: { kind: "sft", labelSmoothing: 0, zLoss: 0 },
      baseStorage: "dense",
      schedule: { kind: "cosine", minRatio: 0, threshold: 1e-4 },
      routerAuxWeight: 0,
      earlyStopping: null,
      guards: { nonFinite: true, spikeFactor: null, maxRollbacks: 2 },
      checkpoints: { keepLast: 3, restoreBest: false },
      export: { adapter: null },
    });
  });

  // Fails where a default changed without a new version: stored specs would then change their meaning.
  it("has the defaults that its version stands for", () => {
    expect(specVersion).toBe(1);
    const newest = stored.find(({ commit, name }) => commit === "b77eb7d" && name === "least");
    expect(RunSpec.parse({ ...least, base: "ollama:tiny:latest" })).toEqual({
      ...newest?.spec,
      gradientCheckpointing: "off",
    });
  });

  it("takes the switch that checkpointing was", () => {
    expect(readStoredSpec({ ...least, gradientCheckpointing: true }).gradientCheckpointing).toBe("full");
  });

  it("passes over fields that are no more", () => {
    const old = { ...least, wings: 2, epochs: 1, schedule: { kind: "cosine", tail: { a: 1 } } };
    expect(readStoredSpec(old)).toEqual(RunSpec.parse({ ...least, epochs: 1 }));
    expect(old.schedule.tail).toEqual({ a: 1 });
  });

  it("is not held to rules of today; a new spec is", () => {
    const spec = { ...least, maxSequenceTokens: 4096, microBatchTokens: 64 };
    expect(RunSpec.safeParse(spec).success).toBe(false);
    expect(readStoredSpec(spec)).toMatchObject({ maxSequenceTokens: 4096, microBatchTokens: 64 });
  });

  it("refuses one of a newer version in words", () => {
    expect(() => readStoredSpec({ ...least, specVersion: specVersion + 1 })).toThrow("reads up to 1");
  });
});
