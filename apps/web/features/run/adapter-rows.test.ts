import { RunSpec } from "@anneal/contracts";
import { expect, it } from "vitest";
import { SeriesStore } from "../../lib/series.ts";
import { adapterRows } from "./adapter-rows.ts";

const spec = RunSpec.parse({
  base: "/m",
  dataset: "018f0000-0000-7000-8000-000000000001",
  adapters: [
    { name: "low", learningRate: 1e-4 },
    { name: "wide", rank: 64 },
  ],
});
const figures = {
  rows: 4,
  exactMatches: 2,
  answers: null,
  unseen: null,
  verdict: null,
  rewardMargin: null,
  rewardAccuracy: null,
};

it("shows what was measured last, the lowest loss marked, and nothing before the first evaluation", () => {
  const store = new SeriesStore();
  store.append(1, 0, 1, { "train/loss@low": 4, "train/loss@wide": 3 });
  const first = adapterRows({ spec, evaluationAfter: null }, store);
  expect(first.map(({ trainLoss, loss, best }) => [trainLoss, loss, best])).toEqual([
    [4, null, false],
    [3, null, false],
  ]);
  store.append(2, 0, 2, { "eval/loss@low": 2, "eval/loss@wide": 2.5, "eval/exact_match@low": 0.5 });
  const rows = adapterRows({ spec, evaluationAfter: null }, store);
  expect(rows[0]).toMatchObject({ name: "low", rank: 16, learningRate: 1e-4, loss: 2, exactMatch: 0.5, best: true });
  expect(rows[1]).toMatchObject({
    name: "wide",
    rank: 64,
    learningRate: 1e-3,
    loss: 2.5,
    exactMatch: null,
    best: false,
  });
});

it("goes by the final evaluation when it is there; what is exported need not be the best", () => {
  const store = new SeriesStore();
  store.append(2, 0, 2, { "eval/loss@low": 2, "eval/loss@wide": 2.5 });
  const adapters = [
    { name: "low", loss: 1.9, exactMatch: 0.25, exactMatches: 1 },
    { name: "wide", loss: 1.2, exactMatch: 0.5, exactMatches: 2 },
  ];
  const evaluationAfter = { ...figures, loss: 1.9, exactMatch: 0.25, adapter: "low", adapters };
  const rows = adapterRows({ spec, evaluationAfter }, store);
  expect(rows.map(({ loss, best, exported }) => [loss, best, exported])).toEqual([
    [1.9, false, true],
    [1.2, true, false],
  ]);
});
