import type { StepResult } from "@anneal/engine";
import { expect, it } from "vitest";
import { type StepFacts, stepMetrics } from "./step-metrics.ts";

const result: StepResult = {
  loss: 2.5,
  gradNorm: 3,
  supervisedTokens: 10,
  tokens: 40,
  seconds: 2,
  phases: { forward: 0.5, backward: 1, optimizer: 0.25 },
  metrics: {},
};
const facts = (changes: Partial<StepResult>): StepFacts => ({
  result: { ...result, ...changes },
  rates: { learningRate: 1e-3, adapters: [1e-3, 1e-4] },
  clipNorm: 1,
  lossEma: 2.6,
  epochs: 0.5,
  tokensSeen: 400,
  rowsSeen: 20,
  rows: 4,
  microBatches: 2,
  microBatchTokens: 32,
  seconds: 2,
  memory: { plannedBytes: 9, arenaPeakBytes: 8, rssBytes: 7, peakRssBytes: 7 },
  cpuShare: 0.9,
  freeMemoryBytes: 1,
  diskFreeBytes: 1,
});

it("takes perplexity from the answers' likelihood, not from what else is minimised", () => {
  expect(stepMetrics(facts({ metrics: { nll: 2 } }))).toMatchObject({
    "train/loss": 2.5,
    "train/perplexity": Math.exp(2),
  });
  const pairs = stepMetrics(facts({ metrics: { rewardMargin: 0.1, rewardAccuracy: 0.75 } }));
  expect(pairs).toMatchObject({ "train/reward_margin": 0.1, "train/reward_accuracy": 0.75 });
  expect(pairs).not.toHaveProperty("train/perplexity");
  const untouched = stepMetrics(facts({ metrics: { rewardMargin: 0, rewardAccuracy: 0 } }));
  expect(untouched).toMatchObject({ "train/reward_margin": 0 });
  expect(untouched).not.toHaveProperty("train/reward_accuracy");
});

it("tells each adapter's own loss, rate, gradient and load-balancing loss; one that rests tells nothing", () => {
  const adapters = [
    { name: "low", loss: 2, gradNorm: 1, supervisedTokens: 10, tokens: 20, routerAux: 1.25 },
    { name: "high", loss: 0, gradNorm: 0, supervisedTokens: 0, tokens: 20 },
  ];
  const told = stepMetrics(facts({ adapters, metrics: { nll: 2, routerAux: 1.25 } }));
  expect(Object.entries(told).filter(([name]) => name.includes("@"))).toEqual([
    ["train/loss@low", 2],
    ["train/router_aux@low", 1.25],
    ["optim/learning_rate@low", 1e-3],
    ["optim/grad_norm@low", 1],
  ]);
  expect(told).toMatchObject({ "train/router_aux": 1.25 });
});

it("says that a step was clipped, and nothing of the gradient where it overflowed", () => {
  expect(stepMetrics(facts({}))).toMatchObject({
    "optim/grad_norm": 3,
    "optim/grad_norm_clipped": 1,
    "optim/clipped": 1,
  });
  const skipped = stepMetrics(facts({ lossScale: 64, skipped: true }));
  expect(skipped).toMatchObject({ "optim/loss_scale": 64, "optim/skipped": 1 });
  expect(skipped).not.toHaveProperty("optim/grad_norm");
});
