import type { ModelSummary } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { matchesWords } from "../../lib/matches-words.ts";
import { modelOptions } from "./model-options.ts";

const model = (ref: string, more: Partial<ModelSummary> = {}): ModelSummary => ({
  id: null,
  ref,
  place: ref,
  name: ref.split("/").at(-1) ?? ref,
  source: "gguf",
  supported: true,
  unsupportedReason: null,
  facts: null,
  digest: null,
  runId: null,
  createdAt: null,
  ...more,
});
const words = { group: (group: string) => group, refused: () => "its family is unknown", when: (iso: string) => iso };
const options = (...models: ModelSummary[]) => modelOptions(models, words);

describe("models to choose from", () => {
  it("named ones come first, those of runs last and the newest of them first", () => {
    const listed = options(
      model("/runs/1/a.gguf", { source: "run", createdAt: "2026-01-01" }),
      model("/runs/2/b.gguf", { source: "run", createdAt: "2026-01-02" }),
      model("/m/v10.gguf"),
      model("/m/v9.gguf"),
      model("ollama:smollm2", { source: "ollama" }),
      model("model:1", { id: "1", name: "Our base" }),
    );
    expect(listed.map(({ group, label }) => `${group} ${label}`)).toEqual([
      "registry Our base",
      "gguf v9.gguf",
      "gguf v10.gguf",
      "ollama ollama:smollm2",
      "run b.gguf",
      "run a.gguf",
    ]);
  });
  it("equal names are told apart by place, and those of runs by time, too", () => {
    const listed = options(
      model("/m/1/model.gguf"),
      model("/m/2/model.gguf"),
      model("/m/other.gguf"),
      model("/runs/1/x.gguf", { name: "bank (Q8_0)", source: "run", createdAt: "monday" }),
      model("/runs/2/x.gguf", { name: "bank (Q8_0)", source: "run", createdAt: "tuesday" }),
    );
    const notes = listed.map(({ note }) => note);
    expect(notes).toEqual([
      "/m/1/model.gguf",
      "/m/2/model.gguf",
      undefined,
      "tuesday · /runs/2/x.gguf",
      "monday · /runs/1/x.gguf",
    ]);
    expect(new Set(listed.map(({ label, note }) => `${label} ${note}`)).size).toBe(listed.length);
  });
  it("a reference stands once; what cannot be trained stands below, with the reason", () => {
    const listed = options(
      model("/m/a.gguf", { supported: false }),
      model("/m/b.gguf"),
      model("/m/b.gguf", { source: "hf" }),
    );
    expect(listed.map(({ label, refused }) => [label, refused])).toEqual([
      ["b.gguf", undefined],
      ["a.gguf", "its family is unknown"],
    ]);
  });
  it("a search finds words in any order", () => {
    expect(matchesWords("SmolLM2 135M · llama", "llama smol")).toBe(true);
    expect(matchesWords("SmolLM2 135M · llama", "qwen")).toBe(false);
    expect(matchesWords("anything", "  ")).toBe(true);
  });
});
