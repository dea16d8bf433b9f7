import { describe, expect, it } from "vitest";
import type { RunStage, RunStatus, StageTold } from "./run.ts";
import { type StagedRun, stageStates } from "./stages.ts";

const finished = (...stages: RunStage[]): StageTold[] => stages.map((stage) => ({ stage, state: "finished" }));
const all: RunStage[] = ["prepare", "train", "evaluate", "export", "benchmark"];

const states = (status: RunStatus, stage: RunStage | null, more: Partial<StagedRun> = {}) =>
  stageStates({
    status,
    progress: stage ? { stage } : null,
    stages: [],
    publications: [],
    spec: { publish: { name: "colours" } },
    ...more,
  })
    .map(({ state }) => state)
    .join(" ");

describe("states of stages", () => {
  it("a run that publishes nothing skips publishing, before and after its end", () => {
    const spec = { publish: null };
    expect(states("succeeded", "publish", { spec, stages: finished(...all) })).toBe("done done done done done skipped");
    expect(states("running", "train", { spec, stages: finished("prepare") })).toBe(
      "done current waiting waiting waiting skipped",
    );
  });
  it("a publication that failed is no success of the stage; published later, it is", () => {
    const stages: StageTold[] = [...finished(...all), { stage: "publish", state: "failed" }];
    const publish = (...statuses: StagedRun["publications"][number]["status"][]) =>
      states("succeeded", "publish", { stages, publications: statuses.map((status) => ({ status })) })
        .split(" ")
        .at(-1);
    expect(publish("unreachable")).toBe("failed");
    expect(publish("failed")).toBe("failed");
    expect(publish("pending", "failed")).toBe("current");
    expect(publish("publishing", "live")).toBe("current");
    expect(publish("live", "failed")).toBe("done");
    expect(publish("rolled_back")).toBe("done");
    expect(publish("superseded", "unreachable")).toBe("done");
    expect(publish()).toBe("failed");
  });
  it("a run published by hand has its stage, though its spec names no model", () => {
    const publications = [{ status: "live" as const }];
    expect(states("succeeded", "publish", { spec: { publish: null }, publications })).toBe(
      "done done done done done done",
    );
  });
  it("a cancelled run stopped where it was and reached nothing behind", () => {
    expect(states("cancelled", "train", { stages: finished("prepare") })).toBe(
      "done stopped notReached notReached notReached notReached",
    );
    expect(states("cancelled", null)).toBe("notReached notReached notReached notReached notReached notReached");
    expect(states("cancelling", "train", { stages: finished("prepare") })).toBe(
      "done current waiting waiting waiting waiting",
    );
  });
  it("a failed run failed where it was", () => {
    expect(states("failed", "export", { stages: finished("prepare", "train", "evaluate") })).toBe(
      "done done done failed notReached notReached",
    );
  });
  it("a paused run is in no stage, a queued one waits, taken up again or not", () => {
    expect(states("paused", "train", { stages: finished("prepare") })).toBe(
      "done paused waiting waiting waiting waiting",
    );
    expect(states("queued", "train", { stages: finished("prepare") })).toBe(
      "done waiting waiting waiting waiting waiting",
    );
    expect(states("queued", null)).toBe("waiting waiting waiting waiting waiting waiting");
  });
  it("what an earlier attempt told of a later stage is done again", () => {
    expect(states("running", "prepare", { stages: finished("prepare", "train", "evaluate") })).toBe(
      "current waiting waiting waiting waiting waiting",
    );
  });
});
