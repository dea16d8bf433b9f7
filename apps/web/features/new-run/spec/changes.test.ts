import { describe, expect, it } from "vitest";
import { changedPaths, hasPreset, withPreset, withSuggestion } from "./changes.ts";
import { emptyForm } from "./spec-form.ts";

const base = { ...emptyForm(), base: "/m.gguf", dataset: "018f0000-0000-7000-8000-000000000001", publishing: false };
const thorough = { epochs: 3, method: { kind: "lora", rank: 32, alpha: 64 } };

describe("presets", () => {
  it("set everything but what is the person's own", () => {
    const dirty = { ...base, seed: 7, threads: 1, name: "mine" };
    const form = withPreset(dirty, thorough);
    expect(form).toMatchObject({
      epochs: 3,
      seed: 42,
      threads: 1,
      name: "mine",
      base: "/m.gguf",
      method: { rank: 32 },
    });
  });
  it("know whether they are in force", () => {
    expect(hasPreset(base, {})).toBe(true);
    expect(hasPreset(base, thorough)).toBe(false);
    const form = withPreset(base, thorough);
    expect(form && hasPreset(form, thorough)).toBe(true);
    const full = withPreset(base, { method: { kind: "full" } });
    expect(full?.method.kind).toBe("full");
    expect(full && hasPreset({ ...full, method: { ...full.method, rank: 3 } }, { method: { kind: "full" } })).toBe(
      true,
    );
  });
  it("an invalid one changes nothing", () => {
    expect(withPreset(base, { epochs: -1 })).toBeNull();
  });
});

describe("suggestions", () => {
  it("are taken in dotted and nested form", () => {
    expect(withSuggestion(base, { microBatchTokens: 1024, "method.rank": 4 })).toMatchObject({
      microBatchTokens: 1024,
      method: { rank: 4 },
    });
    expect(withSuggestion(base, { gradientCheckpointing: "full" })?.gradientCheckpointing).toBe("full");
  });
  it("are refused when they give no valid spec", () => {
    expect(withSuggestion(base, { microBatchTokens: 16 })).toBeNull();
  });
});

describe("changed paths", () => {
  it("counts what differs, by group", () => {
    expect(changedPaths(base, ["method", "seed"])).toEqual([]);
    const form = { ...base, seed: 1, method: { ...base.method, rank: 8 } };
    expect(changedPaths(form, ["method", "seed"]).sort()).toEqual(["method.rank", "seed"]);
    expect(changedPaths({ ...form, method: { ...form.method, kind: "full" } }, ["method"])).toEqual(["method.kind"]);
  });
});
