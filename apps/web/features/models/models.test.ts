import type { ModelSummary } from "@anneal/contracts";
import { expect, it } from "vitest";
import { byUse, matchesModel, readModelFilter, suggestModelName } from "./models.ts";

const model = (name: string, source: ModelSummary["source"], supported = true): ModelSummary => ({
  id: null,
  ref: source === "ollama" ? `ollama:${name}` : `/models/${name}`,
  place: source === "ollama" ? `ollama:${name}` : `/models/${name}`,
  name,
  source,
  supported,
  unsupportedReason: supported ? null : "its family is unknown",
  facts: null,
  digest: null,
  runId: null,
  createdAt: null,
});

it("filters by where a model comes from and by words", () => {
  expect(matchesModel(model("a.gguf", "gguf"), "files", "")).toBe(true);
  expect(matchesModel(model("a", "ollama"), "files", "")).toBe(false);
  expect(matchesModel(model("smollm2:135m", "ollama"), "ollama", "smol 135m")).toBe(true);
  expect(matchesModel(model("smollm2:135m", "ollama"), "all", "qwen")).toBe(false);
  expect(readModelFilter("toString")).toBe("all");
});
it("puts what can be used on top", () => {
  const sorted = [model("a", "hf", false), model("c", "hf"), model("b", "hf")].sort(byUse);
  expect(sorted.map(({ name }) => name)).toEqual(["b", "c", "a"]);
});
it("suggests a name", () => {
  expect(suggestModelName("/models/SmolLM2 135M.Q4_1.gguf")).toBe("SmolLM2 135M.Q4_1");
  expect(suggestModelName("ollama:smollm2:135m")).toBe("smollm2-135m");
  expect(suggestModelName("/")).toBe("");
});
