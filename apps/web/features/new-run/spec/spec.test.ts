import { execFileSync } from "node:child_process";
import { RunSpec } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { freshAdapters } from "./adapters.ts";
import { shellWord, specAsCli, specAsTypeScript, specAsYaml } from "./copy-as.ts";
import { shortSpec } from "./difference.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import { formatParameters, parseParameters } from "./parameters.ts";
import { valueAt, withChange } from "./paths.ts";
import { defaultSpec, emptyForm, fieldOf, formOf, specForPlan, specOf } from "./spec-form.ts";

const id = "018f0000-0000-7000-8000-000000000001";
const nasty = `it's "q" $HOME \`id\` \\ # : - [x] {y}\nANNEAL_SPEC\n  二\t! | > & * %`;
const rich = RunSpec.parse({
  name: "Bank intents",
  base: "ollama:smol:135m",
  dataset: id,
  method: { kind: "lora", rank: 8, targets: ["q_proj", "v_proj"] },
  precision: "f32",
  epochs: 2.5,
  memoryBudgetBytes: 3_000_000_001,
  evaluation: { heldOutFraction: 0.2, everySteps: 10 },
  samples: { prompts: [nasty, "yes", "1.0", "null", " "] },
  export: { gguf: ["F16", "Q8_0"] },
  publish: {
    name: "bank:v1",
    gguf: "F16",
    system: nasty,
    parameters: { temperature: 0.2, stop: ["\n", "it's"], raw: true },
  },
});
const full = RunSpec.parse({ base: "/m.gguf", dataset: id, method: { kind: "full" }, seed: 7 });
const plain = RunSpec.parse({ base: "/m.gguf", dataset: id, publish: { name: "bank" } });
const methods = [
  { objective: { kind: "dpo", beta: 0.2, labelSmoothing: 0.1 }, baseStorage: "nf4", optimizer: { kind: "adamw8bit" } },
  // Equal to another kind's default, and yet to be said.
  { objective: { kind: "simpo", beta: 0.1 }, optimizer: { kind: "lion", beta2: 0.999 }, precision: "f16" },
  { objective: { kind: "distill", teacher: "ollama:big", divergence: "jsd" }, sourceWeights: { "a b": 0.5 } },
  { method: { kind: "full", freeze: ["embed*"] }, optimizer: { kind: "sgd", momentum: 0.9, nesterov: true } },
  {
    adapters: [
      { name: "low", learningRate: 1e-4 },
      { name: "wide_2", rank: 64, alpha: 8, seed: 3 },
      { name: "no", startFrom: "/a" },
    ],
    export: { adapter: "low" },
  },
  { optimizer: { kind: "adafactor" }, objective: { kind: "sft", zLoss: 1e-4 }, neftuneAlpha: 5 },
  { objective: { kind: "distill", teacherFile: "00000000-0000-7000-8000-000000000001", temperature: 2 } },
].map((part) => RunSpec.parse({ base: "/m.gguf", dataset: id, ...part }));
// `samples.prompts` that hold only spaces are dropped by the form.
const kept = RunSpec.parse({ ...rich, samples: { ...rich.samples, prompts: [nasty, "yes", "1.0", "null"] } });

describe("form and spec", () => {
  it("a spec survives the form unchanged", () => {
    for (const spec of [kept, full, plain, ...methods, RunSpec.parse({ base: "/m", dataset: id })])
      expect(specOf(formOf(spec))).toEqual({ ok: true, spec });
  });

  it("names the fields that an empty form leaves open", () => {
    const result = specOf(emptyForm());
    expect(result.ok).toBe(false);
    if (!result.ok)
      expect(new Set(result.issues.map(({ path }) => path))).toEqual(new Set(["base", "dataset", "publish.name"]));
  });

  it("puts errors at the form's own fields", () => {
    const form = {
      ...formOf(plain),
      learningRate: null,
      memoryBudgetGiB: -1,
      publish: { ...formOf(plain).publish, parameters: "top_k" },
    };
    const result = specOf(form);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.issues.map(({ path }) => path).sort()).toEqual(["learningRate", "memoryBudgetGiB"]);
    expect(result.parameterError).toMatchObject({ line: 1, cause: "noValue" });
    expect(fieldOf("samples.prompts.3")).toBe("samples.prompts");
    expect(fieldOf("method")).toBe("method.kind");
  });

  it("keeps adapters side by side while full training is looked at, and says nothing of them", () => {
    const form = formOf(methods[4] ?? plain);
    const looked = specOf({ ...form, method: { ...form.method, kind: "full" } });
    expect(looked.ok && [looked.spec.adapters, looked.spec.export.adapter]).toEqual([[], null]);
    expect(fieldOf("adapters.1.name")).toBe("adapters");
    const named = specOf({ ...form, adapters: form.adapters.map((adapter) => ({ ...adapter, name: "a b" })) });
    expect(named.ok ? [] : named.issues.map(({ path }) => path)).toContain("adapters");
  });

  it("starts a list of adapters with two that differ, and names each anew", () => {
    const two = freshAdapters([], 1e-3);
    expect(two.map(({ name, learningRate }) => [name, learningRate])).toEqual([
      ["a1", null],
      ["a2", 0.00033],
    ]);
    expect(specOf({ ...formOf(plain), adapters: two }).ok).toBe(true);
    const [third] = freshAdapters([...two, { ...two[0], name: "a3" } as (typeof two)[0]], 1e-3);
    expect(third?.name).toBe("a4");
    expect(freshAdapters([], null)[1]?.learningRate).toBeNull();
  });

  it("exports what is published", () => {
    const form = formOf(plain);
    const result = specOf({ ...form, publish: { ...form.publish, gguf: "Q4_K_M" } });
    expect(result.ok && result.spec.export.gguf).toEqual(["Q8_0", "Q4_K_M"]);
  });

  it("the plan's spec is valid and short", () => {
    const short = specForPlan(rich);
    expect(RunSpec.parse(short)).toEqual(short);
    expect(JSON.stringify(short)).not.toContain("ANNEAL_SPEC");
  });
});

describe("what differs from the defaults", () => {
  it("parses back to the same spec", () => {
    for (const spec of [rich, full, plain, ...methods]) expect(RunSpec.parse(shortSpec(spec))).toEqual(spec);
  });
  it("says nothing that is a default", () => {
    expect(shortSpec(plain)).toEqual({ base: "/m.gguf", dataset: id, publish: { name: "bank" } });
    expect(shortSpec(full)).toEqual({ base: "/m.gguf", dataset: id, method: { kind: "full" }, seed: 7 });
    expect(shortSpec({ ...defaultSpec, base: "/m" })).toEqual({ base: "/m", dataset: defaultSpec.dataset });
  });
});

describe("copy as", () => {
  it("YAML reads back as the same spec", () => {
    for (const spec of [rich, full, plain, ...methods]) expect(RunSpec.parse(parse(specAsYaml(spec)))).toEqual(spec);
  });

  const put = (tree: Record<string, unknown>, path: string, value: unknown) => {
    const parts = path.split(".");
    const last = parts.pop() ?? "";
    let at = tree;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = value;
  };
  // What the command line makes of its arguments: flags by name, --set PATH=YAML, later ones into earlier ones.
  const viaShell = (spec: RunSpec): unknown => {
    const script = specAsCli(spec).replace("./anneal run create", "printf '%s\\0'");
    const words = execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
    const tree: Record<string, unknown> = {};
    for (let i = 0; i < words.length; i += 2) {
      const [flag = "", value = ""] = [words[i], words[i + 1]];
      const named: Record<string, string> = {
        "--publish": "publish.name",
        "--learning-rate": "learningRate",
        "--batch-rows": "batchRows",
      };
      if (flag === "--set") {
        const at = value.indexOf("=");
        expect(value.slice(0, at)).toMatch(/^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$/);
        put(tree, value.slice(0, at), parse(value.slice(at + 1)));
      } else {
        const path = named[flag] ?? flag.slice(2);
        put(tree, path, /^(learningRate|batchRows|epochs|seed)$/.test(path) ? Number(value) : value);
      }
    }
    return tree;
  };

  it("the command line gets exactly the spec, whatever its texts hold", () => {
    const odd = RunSpec.parse({ ...plain, publish: { name: "bank", parameters: { "a.b c": "x", stop: ["'"] } } });
    for (const spec of [rich, full, plain, ...methods, odd]) expect(RunSpec.parse(viaShell(spec))).toEqual(spec);
  });

  it("shell words", () => {
    for (const text of [nasty, "", "plain", "a b", "-n", "$(id)"])
      expect(execFileSync("bash", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" })).toBe(text);
  });

  it("TypeScript holds the same spec", () => {
    const source = specAsTypeScript(rich, "http://127.0.0.1:3210");
    const literal = /spec: ([\s\S]*),\n\}\);/.exec(source)?.[1] ?? "";
    // Made by us a line above; evaluated as the reader's compiler would.
    const value: unknown = new Function(`return (${literal});`)();
    expect(RunSpec.parse(value)).toEqual(rich);
  });
});

describe("parameters", () => {
  it("reads Modelfile lines and writes them again", () => {
    const values = { temperature: 0.2, num_ctx: 4096, stop: ["<end>", "\n", 'say "x"'], mirostat: true, note: "a b" };
    const text = formatParameters(values);
    expect(parseParameters(text)).toEqual({ ok: true, values });
    expect(parseParameters("stop <|im_end|>\nstop AB")).toEqual({ ok: true, values: { stop: ["<|im_end|>", "AB"] } });
  });
  it("names the line that is wrong", () => {
    expect(parseParameters("temperature 1\n\ntop_k")).toMatchObject({
      ok: false,
      error: { line: 3, cause: "noValue" },
    });
    expect(parseParameters("Temp 1")).toMatchObject({ ok: false, error: { line: 1, cause: "name" } });
    expect(parseParameters("seed 1\nseed 2")).toMatchObject({ ok: false, error: { line: 2, cause: "twice" } });
    expect(parseParameters("__proto__ 1")).toMatchObject({ ok: false, error: { cause: "name" } });
  });
});

describe("changes by path", () => {
  it("takes dotted and nested keys, and reaches no prototype", () => {
    expect(withChange(plain, { "method.rank": 4, evaluation: { maxRows: 5 } })).toMatchObject({
      method: { kind: "lora", rank: 4, alpha: 32 },
      evaluation: { maxRows: 5, heldOutFraction: 0.1 },
    });
    withChange(plain, JSON.parse('{"__proto__.polluted": 1, "__proto__": {"polluted": 1}}') as Record<string, unknown>);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(valueAt({}, "constructor")).toBeUndefined();
  });
});

describe("idempotency", () => {
  it("one key per spec", () => {
    const keys = new IdempotencyKeys();
    const first = keys.keyFor(plain);
    expect(keys.keyFor(structuredClone(plain))).toBe(first);
    expect(keys.keyFor(full)).not.toBe(first);
    expect(new IdempotencyKeys().keyFor(plain)).not.toBe(first);
  });
});
