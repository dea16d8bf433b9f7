import { describe, expect, it } from "vitest";
import { issueProblem } from "../phrase/issue-phrase.ts";
import { inWords } from "../phrase/phrase.ts";
import { RunSpec } from "./run-spec.ts";
import { readStoredSpec } from "./stored-spec.ts";
import { trainingSettings } from "./training-settings.ts";

const least = { base: "/models/base", dataset: "00000000-0000-7000-8000-000000000000" };
const fieldsOf = (spec: Record<string, unknown>) => {
  const parsed = RunSpec.safeParse({ ...least, ...spec });
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join("."));
};

describe("RunSpec", () => {
  it("takes a spec written before objectives, storages and guards were there", () => {
    const spec = RunSpec.parse({
      ...least,
      method: { kind: "lora", rank: 4, alpha: 8, dropout: 0, rsLora: false, targets: ["q_proj", "v_proj"] },
      precision: "bf16",
      optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
      schedule: { kind: "cosine", warmupSteps: 20 },
      checkpoints: { everySteps: null, keepLast: 2, keepBest: true },
    });
    expect(spec.method).toMatchObject({ rank: 4, targets: ["q_proj", "v_proj"], dora: false, loraPlusRatio: 1 });
    expect(spec.objective).toEqual({ kind: "sft", labelSmoothing: 0, zLoss: 0 });
    expect(spec).toMatchObject({ baseStorage: "dense", earlyStopping: null, neftuneAlpha: 0, lengthGrouping: false });
    expect(RunSpec.parse(spec)).toEqual(spec);
  });

  it("reads the switch that gradient checkpointing was, and asks the engine for the same", () => {
    const checkpointing = (gradientCheckpointing: unknown) => {
      const spec = readStoredSpec({ ...least, gradientCheckpointing });
      const settings = trainingSettings(spec, { base: { kind: "gguf", path: "/m.gguf" }, linearNames: ["q_proj"] });
      return [spec.gradientCheckpointing, settings.gradientCheckpointing];
    };
    expect(checkpointing(true)).toEqual(["full", "layer"]);
    expect(checkpointing(false)).toEqual(["off", "none"]);
    expect(checkpointing("selective")).toEqual(["selective", "selective"]);
    expect(RunSpec.safeParse({ ...least, gradientCheckpointing: "some" }).error?.issues[0]?.path).toEqual([
      "gradientCheckpointing",
    ]);
  });
  it("takes an optimizer and an objective without their kinds as the standard ones", () => {
    const spec = RunSpec.parse({ ...least, optimizer: { weightDecay: 0.1 }, objective: { labelSmoothing: 0.1 } });
    expect(spec.optimizer).toEqual({ kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 });
    expect(spec.objective).toEqual({ kind: "sft", labelSmoothing: 0.1, zLoss: 0 });
  });

  it("gives each kind its own defaults and nothing of another kind", () => {
    const spec = RunSpec.parse({ ...least, optimizer: { kind: "lion" }, objective: { kind: "simpo" } });
    expect(spec.optimizer).toEqual({ kind: "lion", beta1: 0.9, beta2: 0.99, weightDecay: 0 });
    expect(spec.objective).toEqual({ kind: "simpo", beta: 2, gamma: 1 });
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ["at the top", { epoch: 3 }, "epoch", "unknown field epoch, did you mean epochs?"],
    ["with letters swapped", { lerningRate: 0.1 }, "lerningRate", "did you mean learningRate?"],
    ["in another spelling", { learning_rate: 0.1 }, "learning_rate", "did you mean learningRate?"],
    [
      "of a part",
      { schedule: { warmupStep: 3 } },
      "schedule.warmupStep",
      "unknown field schedule.warmupStep, did you mean warmupSteps?",
    ],
    ["in the wrong place", { warmupSteps: 3 }, "warmupSteps", "did you mean schedule.warmupSteps?"],
    ["of a method", { method: { kind: "lora", ranks: 8 } }, "method.ranks", "did you mean rank?"],
    ["of another method", { method: { kind: "full", rank: 8 } }, "method.rank", "known are kind, freeze"],
    [
      "of another optimizer",
      { optimizer: { kind: "lion", epsilon: 1 } },
      "optimizer.epsilon",
      "unknown field optimizer.epsilon",
    ],
    ["of an objective", { objective: { kind: "dpo", betta: 1 } }, "objective.betta", "did you mean beta?"],
    ["of evaluation", { evaluation: { maxRow: 1 } }, "evaluation.maxRow", "did you mean maxRows?"],
    ["of an export", { export: { ggufs: ["F16"] } }, "export.ggufs", "did you mean gguf?"],
    ["of a publication", { publish: { name: "a", params: {} } }, "publish.params", "unknown field publish.params"],
    [
      "of one of several adapters",
      { adapters: [{ name: "a", ranks: 1 }, { name: "b" }] },
      "adapters.0.ranks",
      "did you mean rank?",
    ],
    ["of guards", { guards: { nonfinite: true } }, "guards.nonfinite", "did you mean nonFinite?"],
    ["like nothing known", { foo: { bar: 1 } }, "foo", "unknown field foo; known are name, base, "],
    [
      "that every object has",
      JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}'),
      "__proto__",
      "unknown field __proto__",
    ],
  ])("refuses a field %s", (_where, extra, field, words) => {
    const issue = RunSpec.safeParse({ ...least, ...extra }).error?.issues[0];
    const problem = issueProblem(issue as NonNullable<typeof issue>);
    expect(problem.field).toBe(field);
    expect(inWords(problem.message)).toContain(words);
  });

  it("takes one epoch where nothing is said, and as many as the steps need where only they are", () => {
    const lengthOf = (spec: Record<string, unknown>) => {
      const { epochs, maxSteps } = RunSpec.parse({ ...least, ...spec });
      return { epochs, maxSteps };
    };
    expect(lengthOf({})).toEqual({ epochs: 1, maxSteps: null });
    expect(lengthOf({ maxSteps: 200 })).toEqual({ epochs: null, maxSteps: 200 });
    expect(lengthOf({ epochs: null, maxSteps: 200 })).toEqual({ epochs: null, maxSteps: 200 });
    expect(lengthOf({ epochs: 2, maxSteps: 200 })).toEqual({ epochs: 2, maxSteps: 200 });
    expect(lengthOf({ epochs: null })).toEqual({ epochs: 1, maxSteps: null });
    const spec = RunSpec.parse({ ...least, maxSteps: 200 });
    expect(RunSpec.parse(spec)).toEqual(spec);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ["a quantised base under full training", { baseStorage: "nf4", method: { kind: "full" } }, ["baseStorage"]],
    ["a pair that no micro-batch holds", { objective: { kind: "dpo" }, maxSequenceTokens: 1536 }, ["microBatchTokens"]],
    ["a sequence that no micro-batch holds", { maxSequenceTokens: 4096 }, ["microBatchTokens"]],
    ["all layers and one of them", { method: { kind: "lora", targets: ["all-linear", "q_proj"] } }, ["method.targets"]],
    [
      "a marked answer that no micro-batch holds",
      { objective: { kind: "kto" }, maxSequenceTokens: 1536 },
      ["microBatchTokens"],
    ],
    ["sources weighed under preferences", { objective: { kind: "dpo" }, sourceWeights: { a: 2 } }, ["sourceWeights"]],
    ["noise under preferences", { objective: { kind: "kto" }, neftuneAlpha: 5 }, ["neftuneAlpha"]],
    ["a beta of nothing", { objective: { kind: "dpo", beta: 0 } }, ["objective.beta"]],
    ["a beta of Lion's that forgets nothing", { optimizer: { kind: "lion", beta1: 1 } }, ["optimizer.beta1"]],
    ["distillation without a teacher", { objective: { kind: "distill" } }, ["objective.teacher"]],
    [
      "a teacher in memory and in a file",
      { objective: { kind: "distill", teacher: "ollama:big", teacherFile: least.dataset } },
      ["objective.teacherFile"],
    ],
    [
      "reverse KL from the best log-probabilities",
      { objective: { kind: "distill", teacherFile: least.dataset, divergence: "reverse_kl" } },
      ["objective.divergence"],
    ],
    [
      "rules that need held-out rows",
      { evaluation: { heldOutFraction: 0 }, earlyStopping: {}, schedule: { kind: "plateau" } },
      ["schedule.kind", "earlyStopping"],
    ],
    [
      "a best checkpoint that is not kept",
      { checkpoints: { restoreBest: true, keepBest: false } },
      ["checkpoints.restoreBest"],
    ],
    ["nesterov without momentum", { optimizer: { kind: "sgd", nesterov: true } }, ["optimizer.nesterov"]],
    ["an adapter from nowhere", { method: { kind: "lora", startFrom: "somewhere" } }, ["method.startFrom"]],
    [
      "an adapter of a run by a name that is none",
      { method: { kind: "lora", startFrom: `run:${least.dataset}/a/b` } },
      ["method.startFrom"],
    ],
    ["a pattern with a blank", { method: { kind: "full", freeze: ["model layers"] } }, ["method.freeze.0"]],
  ])("names the field of %s", (_, spec, fields) => {
    expect(fieldsOf(spec)).toEqual(fields);
  });
});
