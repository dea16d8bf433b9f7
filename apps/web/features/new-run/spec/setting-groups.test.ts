import { RunSpec } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { messages } from "../../../messages/index.ts";
import { leaves, sameValue, valueAt } from "./paths.ts";
import { settingGroups } from "./setting-groups.ts";
import { valueWords } from "./setting-words.ts";
import { defaultSpec, fieldOf, formOf } from "./spec-form.ts";

const id = "018f0000-0000-7000-8000-000000000001";
const specs = [
  {},
  { method: { kind: "full", freeze: ["embed*"] }, optimizer: { kind: "sgd" }, schedule: { kind: "plateau" } },
  { objective: { kind: "dpo" }, baseStorage: "nf4", optimizer: { kind: "adafactor" }, schedule: { kind: "wsd" } },
  { objective: { kind: "distill", teacher: "ollama:big", divergence: "jsd" }, sourceWeights: { forum: 0.5 } },
  { adapters: [{ name: "a" }, { name: "b" }], export: { adapter: "a" }, earlyStopping: {}, memoryBudgetBytes: 2 ** 31 },
  { schedule: { kind: "cosine_restarts" }, optimizer: { kind: "lion" } },
  { schedule: { kind: "polynomial" }, objective: { kind: "simpo" } },
  {
    objective: { kind: "kto" },
    evaluation: { dataset: id },
    publish: { name: "bank", parameters: { temperature: 0 } },
  },
].map((part) => RunSpec.parse({ base: "/m.gguf", dataset: id, ...part }));
const head = new Set(["name", "base", "dataset"]); // above all groups
const own = new Set(["guards.maxRollbacks"]); // no field of the form

describe("settingGroups", () => {
  const shown = specs.map((spec) => settingGroups(formOf(spec)).flatMap(({ paths }) => paths));
  const settings = (spec: RunSpec) =>
    leaves(spec)
      .filter(([path, value]) => value !== null && !head.has(path) && !own.has(path))
      .map(([path, value]) => ({ path: fieldOf(path), value }));
  it("shows each setting once, and all that differ from the defaults", () => {
    for (const [i, spec] of specs.entries()) {
      const paths = shown[i] ?? [];
      expect(new Set(paths).size).toBe(paths.length);
      const missing = settings(spec).filter(({ path }) => !paths.includes(path));
      expect(missing.filter(({ path, value }) => !sameValue(value, valueAt(defaultSpec, path)))).toEqual([]);
    }
  });
  it("shows every setting that a spec can hold where its kind looks at it", () => {
    const paths = new Set(shown.flat());
    expect(specs.flatMap(settings).filter(({ path }) => !paths.has(path))).toEqual([]);
  });
  it("names fields of the form that have a label, and heads that have words", () => {
    for (const spec of specs)
      for (const { group, paths } of settingGroups(formOf(spec))) {
        expect(messages.en, group).toHaveProperty(`newRun.groups.${group}`);
        for (const path of paths) {
          expect(valueAt(formOf(spec), path), path).toBeDefined();
          expect(messages.en, path).toHaveProperty(`spec.fields.${path}.label`);
        }
      }
  });
});

describe("valueWords", () => {
  const words = { fields: String, options: (key: string) => `<${key}>`, onOff: String, allLayers: "all layers" };
  const say = (path: string, value: unknown) => valueWords(words, path, value);
  it("says choices, lists and numbers as the form does", () => {
    expect(say("precision", "bf16")).toBe("<precision.bf16>");
    expect(say("method.targets", ["all-linear"])).toBe("all layers");
    expect(say("method.targets", ["q_proj", "v_proj"])).toBe("q_proj, v_proj");
    expect(say("adapters", [{ name: "low" }, { name: "high" }])).toBe("low, high");
    expect(say("sourceWeights", { forum: 0.5, mail: 2 })).toBe("forum = 0.5, mail = 2");
    expect(say("seed", 4_294_967_295)).toBe("4294967295");
    expect(say("learningRate", 1e-5)).toBe("1e-5");
    expect(say("packing", true)).toBe("true");
  });
  it("is null for what is left to Anneal", () => {
    for (const value of [null, "", [], {}]) expect(say("sourceWeights", value)).toBeNull();
  });
});
