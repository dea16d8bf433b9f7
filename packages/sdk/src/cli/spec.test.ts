import { expect, test } from "vitest";
import { assignment, merge } from "./spec.ts";
import { specOfFlags } from "./spec-flags.ts";

test("later trees win field by field; another kind of method takes nothing over", () => {
  const base = { epochs: 1, method: { kind: "lora", rank: 16, alpha: 32 }, export: { gguf: ["Q8_0"] } };
  expect(merge(base, { method: { rank: 8 }, export: { gguf: ["F16"] } })).toEqual({
    epochs: 1,
    method: { kind: "lora", rank: 8, alpha: 32 },
    export: { gguf: ["F16"] },
  });
  expect(merge(base, { method: { kind: "full" } }).method).toEqual({ kind: "full" });
});

test("--set takes numbers, lists, null and texts; what is no assignment is refused", () => {
  expect(assignment("schedule.warmupSteps=50")).toEqual({ schedule: { warmupSteps: 50 } });
  expect(assignment("export.gguf=[F16, Q8_0]")).toEqual({ export: { gguf: ["F16", "Q8_0"] } });
  expect(assignment("adapters=[{name: low, learningRate: 3e-4}, {name: wide, rank: 64}]")).toEqual({
    adapters: [
      { name: "low", learningRate: 3e-4 },
      { name: "wide", rank: 64 },
    ],
  });
  expect(assignment("maxSteps=null")).toEqual({ maxSteps: null });
  expect(assignment("name=a=b")).toEqual({ name: "a=b" });
  for (const bad of ["nothing", "=1", "a..b=1", "__proto__.x=1", "a b=1"])
    expect(() => assignment(bad)).toThrow(/FIELD=VALUE/);
});

test("foreign keys do not reach prototypes", () => {
  merge({}, JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'));
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("flags become a spec with only what was said; the first export is the one that is served", () => {
  expect(specOfFlags({ set: [], base: "ollama:x", rank: "8", publish: "mine", gguf: "F16,Q8_0" })).toEqual({
    base: "ollama:x",
    method: { kind: "lora", rank: 8 },
    export: { gguf: ["F16", "Q8_0"] },
    publish: { name: "mine", gguf: "F16" },
  });
  expect(specOfFlags({ set: ["method.dropout=0.1"], method: "lora" }).method).toEqual({ kind: "lora", dropout: 0.1 });
  expect(specOfFlags({ set: [], objective: "dpo", beta: "0.2", baseStorage: "nf4", optimizer: "adamw8bit" })).toEqual({
    objective: { kind: "dpo", beta: 0.2 },
    baseStorage: "nf4",
    optimizer: { kind: "adamw8bit" },
  });
  expect(specOfFlags({ set: [], teacher: "ollama:big" }).objective).toEqual({ kind: "distill", teacher: "ollama:big" });
  expect(() => specOfFlags({ set: [], epochs: "two" })).toThrow(/--epochs/);
});
