import type { DeploymentSummary, Publication, RunDetail, RunStatus, RunSummary } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { mergeDeployments, mergeDetail, mergeRuns, type RunListInput, type RunListPage } from "./merge-runs.ts";

const run = (id: string, status: RunStatus, more: Partial<RunSummary> = {}): RunSummary => ({
  id,
  name: `run ${id}`,
  status,
  progress: null,
  base: "/m",
  baseName: null,
  datasetName: "d",
  datasetVersion: 1,
  methodKind: "lora",
  precision: "bf16",
  lastLoss: null,
  accuracyBefore: null,
  accuracyAfter: null,
  queuePosition: null,
  workerName: null,
  problem: null,
  createdAt: "2026-01-01T00:00:00Z",
  startedAt: null,
  finishedAt: null,
  workedSeconds: 0,
  workingSince: null,
  publications: [],
  noWorker: false,
  ...more,
});
const page = (items: RunSummary[], nextCursor: string | null = null): RunListPage => ({
  items,
  nextCursor,
  counts: { succeeded: 5, running: 1 },
});
const never = () => undefined;
const stale = (
  pages: RunListPage[],
  input: RunListInput,
  told: RunSummary[],
  before: (id: string) => RunStatus | undefined = never,
) => mergeRuns(pages, input, told, before).stale;

describe("runs told by the stream", () => {
  it("the first telling of all runs, as a list has them already, asks for nothing again", () => {
    const loaded = Array.from({ length: 77 }, (_, i) => run(String(900 - i), "succeeded"));
    const { stale, pages } = mergeRuns([page(loaded.slice(0, 50), "851")], {}, loaded, never);
    expect(stale).toBe(false);
    expect(pages[0]?.items).toEqual(loaded.slice(0, 50));
  });
  it("progress is put in place, counts follow a status, and nothing is asked for", () => {
    const list = [page([run("3", "running"), run("2", "succeeded")])];
    const { stale, pages } = mergeRuns(list, {}, [run("3", "succeeded", { lastLoss: 1.5 })], () => "running");
    expect(stale).toBe(false);
    expect(pages[0]?.items[0]).toMatchObject({ status: "succeeded", lastLoss: 1.5 });
    expect(pages[0]?.counts).toEqual({ succeeded: 6, running: 0 });
  });
  it("a new run, one that leaves its filter or the queue, needs another look", () => {
    const list = [page([run("3", "running"), run("2", "succeeded")])];
    expect(stale(list, {}, [run("4", "queued")])).toBe(true);
    expect(stale(list, { status: ["running"] }, [run("3", "failed")])).toBe(true);
    expect(stale([page([run("3", "queued")])], {}, [run("3", "running")])).toBe(true);
    expect(stale(list, { status: ["failed"] }, [run("4", "queued")])).toBe(false);
  });
  it("a run behind the rows loaded, and one that a search did not find, need none", () => {
    const list = [page([run("9", "running"), run("5", "succeeded")], "5")];
    expect(stale(list, {}, [run("4", "succeeded")])).toBe(false);
    expect(stale(list, { search: "x" }, [run("7", "running")], () => "running")).toBe(false);
    expect(stale(list, { search: "x" }, [run("7", "failed")], () => "running")).toBe(true);
    expect(stale(list, { search: "x" }, [run("95", "queued")])).toBe(true);
  });
});

const publication = (id: string, status: Publication["status"], fraction: number | null = null): Publication => ({
  id,
  name: "colours",
  status,
  phase: null,
  fraction,
  etaSeconds: null,
});
const deployment = (id: string, status: Publication["status"]) => publication(id, status) as DeploymentSummary;

describe("publications told by the stream", () => {
  it("progress moves without another look; an end and a publication from elsewhere need one", () => {
    const told = (...publications: Publication[]) => [run("1", "succeeded", { publications })];
    const moved = mergeDeployments([deployment("a", "publishing")], told(publication("a", "publishing", 0.5)));
    expect(moved).toMatchObject({ stale: false, deployments: [{ fraction: 0.5 }] });
    expect(mergeDeployments([deployment("a", "publishing")], told(publication("a", "live")))).toMatchObject({
      stale: true,
      deployments: [{ status: "live" }],
    });
    expect(mergeDeployments([], told(publication("b", "pending"))).stale).toBe(true);
    expect(mergeDeployments([deployment("a", "live")], told(publication("a", "rolled_back"))).stale).toBe(true);
  });
  it("a finished run's page follows its own publications", () => {
    const detail = { ...run("1", "succeeded"), deployments: [deployment("a", "pending")] } as unknown as RunDetail;
    const { stale, detail: merged } = mergeDetail(
      detail,
      run("1", "succeeded", { publications: [publication("a", "live", 1)] }),
    );
    expect(stale).toBe(true);
    expect(merged.deployments).toMatchObject([{ status: "live", fraction: 1 }]);
    expect(mergeDetail(detail, run("1", "queued", { publications: [publication("a", "pending")] })).stale).toBe(true);
    expect(mergeDetail(detail, run("1", "succeeded", { publications: [publication("a", "pending")] })).stale).toBe(
      false,
    );
  });
});
