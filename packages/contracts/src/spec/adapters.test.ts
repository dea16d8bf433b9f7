import { describe, expect, it } from "vitest";
import { RunEventBody } from "../events.ts";
import { MetricNameSchema, metricOf } from "../metrics.ts";
import { adaptersOf, bestAdapter } from "./adapters.ts";
import { RunSpec, type RunSpecInput } from "./run-spec.ts";
import { trainingSettings } from "./training-settings.ts";

const least = { base: "/models/base", dataset: "00000000-0000-7000-8000-000000000000" };
const two = [
  { name: "low", learningRate: 1e-4 },
  { name: "wide", rank: 64, alpha: 8, seed: 3, startFrom: "/adapters/wide" },
];
const fieldsOf = (spec: Record<string, unknown>) => {
  const parsed = RunSpec.safeParse({ ...least, ...spec });
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join("."));
};

describe("adapters side by side", () => {
  it("take from the run what they do not say themselves", () => {
    const spec = RunSpec.parse({ ...least, learningRate: 2e-3, seed: 9, adapters: two });
    expect(adaptersOf(spec)).toEqual([
      { name: "low", rank: 16, alpha: 32, learningRate: 1e-4, seed: 9, startFrom: null },
      { name: "wide", rank: 64, alpha: 8, learningRate: 2e-3, seed: 3, startFrom: "/adapters/wide" },
    ]);
    const settings = trainingSettings(spec, {
      base: { kind: "hf", dir: "/models/base" },
      linearNames: ["q_proj"],
      adapters: { wide: "/real/wide" },
    });
    expect(settings.adapters).toEqual([
      { name: "low", rank: 16, alpha: 32, seed: 9 },
      { name: "wide", rank: 64, alpha: 8, seed: 3, from: "/real/wide" },
    ]);
    expect(RunSpec.parse(spec)).toEqual(spec);
    expect(fieldsOf({ adapters: two, routerAuxWeight: 0.1 })).toEqual([]); // each balances the experts over its own tokens
    expect(adaptersOf(RunSpec.parse(least))).toEqual([]);
  });

  it.each<[string, Partial<RunSpecInput>, string[]]>([
    ["one alone", { adapters: two.slice(0, 1) }, ["adapters"]],
    ["two of one name", { adapters: [{ name: "a" }, { name: "a" }] }, ["adapters"]],
    ["more than sixteen", { adapters: Array.from({ length: 17 }, (_, i) => ({ name: `a${i}` })) }, ["adapters"]],
    ["a name that is no file's", { adapters: [{ name: "a" }, { name: "../b" }] }, ["adapters.1.name"]],
    ["a start from nowhere", { adapters: [{ name: "a" }, { name: "b", startFrom: "x" }] }, ["adapters.1.startFrom"]],
    ["full training", { adapters: two, method: { kind: "full" } }, ["adapters"]],
    ["DoRA", { adapters: two, method: { kind: "lora", dora: true } }, ["method.dora"]],
    ["an adapter to continue from", { adapters: two, method: { kind: "lora", startFrom: "/a" } }, ["method.startFrom"]],
    ["preferences", { adapters: two, objective: { kind: "orpo" }, microBatchTokens: 4096 }, ["objective.kind"]],
    ["the export of none of them", { adapters: two, export: { adapter: "high" } }, ["export.adapter"]],
  ])("names the field of %s", (_, spec, fields) => {
    expect(fieldsOf(spec)).toEqual(fields);
  });

  it("the best has the lowest loss; the first where nothing was measured", () => {
    const of = (...losses: (number | null)[]) => bestAdapter(losses.map((loss, i) => ({ name: `a${i}`, loss })))?.name;
    expect([of(2, 1, 3), of(1, 1), of(null, 2), of(null, null), of()]).toEqual(["a1", "a0", "a1", "a0", undefined]);
  });

  it("have series of their own beside the run's", () => {
    expect(metricOf("eval/loss@low")).toEqual({ series: "eval/loss", adapter: "low" });
    expect(metricOf("eval/loss")).toEqual({ series: "eval/loss", adapter: null });
    const wrong = ["eval/loss@", "eval/loss@a b", "speed/step_seconds@low", "x@low", "eval/loss@low@high"];
    for (const name of wrong) expect(MetricNameSchema.safeParse(name).success, name).toBe(false);
    const body = { type: "metrics", step: 1, tokens: 5, values: { "train/loss": 2, "train/loss@low": 1.5 } };
    expect(RunEventBody.parse(body)).toEqual(body);
    expect(RunEventBody.safeParse({ ...body, values: { "train/loss@a b": 1 } }).success).toBe(false);
  });
});
