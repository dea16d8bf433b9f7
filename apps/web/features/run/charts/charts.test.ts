import { adapterMetric, adapterSeries, type MetricBucket, type MetricName, metricNames } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { placeLabel, valueLabels } from "./axis-labels.ts";
import { chartsOf, seriesLabel } from "./catalogue.ts";
import { chartData, summaryOf } from "./chart-data.ts";
import { seriesColour, withAlpha } from "./colours.ts";
import { shareRange } from "./uplot-options.ts";

const point = (step: number, mean: number, spread = 0): MetricBucket => ({
  step,
  time: 1000 + step * 2,
  tokens: step * 100,
  min: mean - spread,
  max: mean + spread,
  mean,
  count: spread > 0 ? 4 : 1,
});
const options = { axis: "step", startSeconds: 1000, smoothing: 0, log: false } as const;

describe("chartsOf", () => {
  it("shows every series of the catalogue once", () => {
    const shown = chartsOf(metricNames).flatMap((chart) => chart.names);
    expect([...shown].sort()).toEqual([...metricNames].sort());
    expect(shown.length).toBeGreaterThanOrEqual(20);
  });
  it("leaves out what a run does not have", () => {
    expect(chartsOf(["eval/loss"])).toMatchObject([{ id: "loss", names: ["eval/loss"] }]);
    expect(chartsOf([])).toEqual([]);
  });
  it("draws each series of adapters side by side as one chart, a line for every adapter", () => {
    const adapters = Array.from({ length: 16 }, (_, i) => `a${i}`);
    const own = adapters.flatMap((name) => adapterSeries.map((series) => adapterMetric(series, name)));
    const charts = chartsOf(["train/loss", ...own]);
    expect(charts.map(({ id }) => id)).toEqual(["loss", ...adapterSeries.map((series) => `adapters ${series}`)]);
    expect(charts[1]).toMatchObject({ title: "adapters.train/loss", group: "loss", unit: "nats" });
    expect(charts[1]?.names.map((name) => seriesLabel(name, (series) => series))).toEqual(adapters);
    expect(seriesLabel("train/loss", (series) => series)).toBe("train/loss");
    const colours = adapters.map((_, i) => seriesColour({ series: ["red", "blue"] }, i));
    expect(colours.slice(0, 2)).toEqual(["red", "blue"]);
    expect(new Set(colours).size).toBe(16);
  });
});

describe("chartData", () => {
  const train = { name: "train/loss", points: [point(1, 4), point(2, 3), point(3, 2)] } as const;
  const evaluation = { name: "eval/loss", points: [point(2, 3.5)] } as const;
  it("lays series of different steps over one axis", () => {
    const data = chartData([train, evaluation], options);
    expect(data.x).toEqual([1, 2, 3]);
    expect(data.columns.map(({ values }) => values)).toEqual([
      [4, 3, 2],
      [null, 3.5, null],
    ]);
  });
  it("counts time from the run's start and tokens as they are", () => {
    expect(chartData([train], { ...options, axis: "time" }).x).toEqual([2, 4, 6]);
    expect(chartData([train], { ...options, axis: "tokens" }).x).toEqual([100, 200, 300]);
  });
  it("keeps the raw line behind the smoothed one", () => {
    const [raw, line] = chartData([train], { ...options, smoothing: 0.5 }).columns;
    expect([raw?.role, line?.role]).toEqual(["raw", "line"]);
    expect(raw?.values).toEqual([4, 3, 2]);
    expect(line?.values[2]).toBeGreaterThan(2);
  });
  it("does not bend what is exact", () => {
    const roles = (name: MetricName) =>
      chartData([{ name, points: train.points }], { ...options, smoothing: 0.9 }).columns.map(({ role }) => role);
    expect(roles("eval/loss")).toEqual(["line"]);
    expect(roles("optim/learning_rate")).toEqual(["line"]);
    expect(roles("optim/learning_rate@low")).toEqual(["line"]);
    expect(roles("optim/grad_norm")).toEqual(["raw", "line"]);
  });
  it("bounds merged points by a band, so that spikes survive", () => {
    const { columns } = chartData([{ name: "train/loss", points: [point(10, 3, 2), point(20, 2)] }], options);
    expect(columns.map(({ role }) => role)).toEqual(["max", "min", "line"]);
    expect(columns[0]?.values).toEqual([5, 2]);
  });
  it("leaves out what a logarithm cannot show", () => {
    const data = chartData([{ name: "train/loss", points: [point(1, 0), point(2, 1)] }], { ...options, log: true });
    expect(data.columns[0]?.values).toEqual([null, 1]);
  });
  it("draws two points at one place as one", () => {
    const still = [
      { ...point(1, 4), tokens: 100 },
      { ...point(2, 2), tokens: 100 },
    ];
    const data = chartData([{ name: "train/loss", points: still }], { ...options, axis: "tokens" });
    expect(data.x).toEqual([100]);
    expect(data.columns.map(({ values }) => values)).toEqual([[4], [2], [2]]);
  });
});

it("keeps shares on their axis", () => {
  expect(shareRange(0, 0)).toEqual([0, 1]);
  expect(shareRange(null, null)).toEqual([0, 1]);
  expect(shareRange(0.4, 0.6)).toEqual([0.38, expect.closeTo(0.62, 9)]);
  expect(shareRange(0.02, 0.99)).toEqual([0, 1]);
});

it("sums a curve up for those who do not see it", () => {
  expect(summaryOf([point(1, 4), point(2, 3, 1)])).toEqual({ step: 2, value: 3, low: 2, high: 4 });
  expect(summaryOf([])).toBeNull();
});

it("makes colours see-through", () => {
  expect(withAlpha("oklch(0.5 0.1 40)", 0.2)).toBe("oklch(0.5 0.1 40 / 0.2)");
  expect(withAlpha("#102030", 0.2)).toBe("rgb(16 32 48 / 0.2)");
  expect(withAlpha("teal", 0.2)).toBe("teal");
});

describe("labels of the axes", () => {
  it("tell neighbours apart", () => {
    const gib = 1024 ** 3;
    expect(valueLabels([10 * gib, 10.05 * gib, 10.1 * gib], "bytes", 0.05 * gib)).toEqual([
      "10.00 GiB",
      "10.05 GiB",
      "10.10 GiB",
    ]);
    expect(valueLabels([0, 0.005, 0.01], "share", 0.005)).toEqual(["0.0%", "0.5%", "1.0%"]);
    expect(valueLabels([0.25, null, 1.5], "s", 0.25)).toEqual(["250 ms", "", "1.5 s"]);
  });
  it("read time as on a clock and tokens in short", () => {
    expect([0, 30, 300, 3900].map((seconds) => placeLabel(seconds, "time"))).toEqual([
      "0:00",
      "0:30",
      "5:00",
      "1:05:00",
    ]);
    expect(placeLabel(1_250_000, "tokens")).toBe("1.25M");
    expect(placeLabel(1_234_567, "step")).toBe("1234567");
  });
});
