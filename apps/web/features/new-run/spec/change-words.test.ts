import { describe, expect, it } from "vitest";
import { changeWords } from "./change-words.ts";
import { defaultSpec, emptyForm } from "./spec-form.ts";

const form = { ...emptyForm(), base: "/m.gguf", dataset: "018f0000-0000-7000-8000-000000000001", publishing: false };
const language = {
  fields: (key: string) => key,
  options: (key: string) => `option ${key}`,
  onOff: (on: boolean) => (on ? "on" : "off"),
  allLayers: "all layers",
};
const words = (change: Record<string, unknown>) => changeWords(language, form, change);

describe("changeWords", () => {
  it("names what changes and nothing else", () => {
    expect(words({ microBatchTokens: 1024, gradientCheckpointing: "selective" })).toBe(
      "microBatchTokens.label: 1024 · gradientCheckpointing.label: option gradientCheckpointing.selective",
    );
    // A method comes whole; only its rank and alpha differ.
    const method = { ...defaultSpec.method, rank: 8, alpha: 16 };
    expect(words({ method })).toBe("method.rank.label: 8 · method.alpha.label: 16");
  });
  it("says choices in the person's words", () => {
    expect(words({ baseStorage: "nf4" })).toBe("baseStorage.label: option baseStorage.nf4");
  });
  it("names fields of the form only, each of which has a label", () => {
    const changed = { memoryBudgetBytes: 2 ** 31, "evaluation.dataset": form.dataset };
    expect(words(changed)).toBe(`evaluation.dataset.label: ${form.dataset} · memoryBudgetGiB.label: 2`);
  });
  it("takes a budget that is no whole number of bytes for unchanged", () => {
    const odd = { ...form, memoryBudgetGiB: 0.076 };
    expect(changeWords(language, odd, { microBatchTokens: 1024 })).toBe("microBatchTokens.label: 1024");
  });
  it("is null for no change and for one that does not fit the form", () => {
    expect(words({})).toBeNull();
    expect(words({ microBatchTokens: 16 })).toBeNull();
  });
});
