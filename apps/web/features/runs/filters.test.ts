import type { RunSummary } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { countOf, elapsedSeconds, readFilter, shortBase } from "./filters.ts";
import { wholeFraction } from "./progress.ts";
import { actionsFor } from "./run-actions.ts";

const run: RunSummary = {
  id: "0190d9a0-0000-7000-8000-000000000001",
  name: "Bank intents",
  status: "running",
  progress: { stage: "train", step: 50, totalSteps: 100, fraction: 0.5, etaSeconds: 60, note: null },
  base: "ollama:smollm2:135m",
  baseName: null,
  datasetName: "questions",
  datasetVersion: 1,
  methodKind: "lora",
  precision: "bf16",
  lastLoss: 1,
  accuracyBefore: null,
  accuracyAfter: null,
  queuePosition: null,
  workerName: "w",
  problem: null,
  createdAt: "2026-01-01T00:00:00.000Z",
  startedAt: "2026-01-01T00:00:10.000Z",
  finishedAt: null,
  workedSeconds: 0,
  workingSince: "2026-01-01T00:00:10.000Z",
  publications: [],
  noWorker: false,
};

describe("filters of the runs", () => {
  it("read what the address says, all where it is nonsense", () => {
    expect(readFilter("failed")).toBe("failed");
    expect(readFilter("constructor")).toBe("all");
    expect(readFilter(null)).toBe("all");
  });
  it("count what they show; nothing before an answer", () => {
    const counts = { queued: 2, running: 1, succeeded: 40 };
    expect(countOf("all", counts)).toBe(43);
    expect(countOf("active", counts)).toBe(3);
    expect(countOf("paused", counts)).toBe(0);
    expect(countOf("all", undefined)).toBeUndefined();
  });
  it("count the time in workers' hands: ended attempts and the present one", () => {
    const now = Date.parse("2026-01-01T00:01:10.000Z");
    expect(elapsedSeconds(run, now)).toBe(60);
    expect(elapsedSeconds({ ...run, workedSeconds: 100 }, now)).toBe(160);
    expect(elapsedSeconds({ ...run, workedSeconds: 10, workingSince: null }, now)).toBe(10);
    expect(elapsedSeconds({ ...run, startedAt: null }, now)).toBeNull();
  });
  it("shorten paths, not names", () => {
    expect(shortBase("/models/a/b.gguf")).toBe("b.gguf");
    expect(shortBase("ollama:smollm2:135m")).toBe("ollama:smollm2:135m");
    expect(shortBase("model:01a22d63-0000-7000-8000-000000000001", "SmolLM2")).toBe("SmolLM2");
  });
});

describe("progress and actions", () => {
  it("weigh the stages", () => {
    expect(wholeFraction(run)).toBeCloseTo(0.44);
    expect(wholeFraction({ status: "succeeded", progress: null })).toBe(1);
    expect(wholeFraction({ status: "queued", progress: null })).toBeNull();
  });
  it("offer only what the state allows", () => {
    expect(actionsFor("running")).toContain("pause");
    expect(actionsFor("succeeded")).not.toContain("cancel");
    expect(actionsFor("cancelling")).toEqual([]);
  });
});
