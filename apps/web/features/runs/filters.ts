import type { RunStatus, RunSummary } from "@anneal/contracts";

// The filters of the list, as they stand in the address.
export const runFilters = {
  all: undefined,
  active: ["queued", "running", "pausing", "cancelling"],
  paused: ["paused"],
  succeeded: ["succeeded"],
  failed: ["failed"],
  cancelled: ["cancelled"],
} as const satisfies Record<string, readonly RunStatus[] | undefined>;
export type RunFilter = keyof typeof runFilters;
export const filterNames = Object.keys(runFilters) as RunFilter[];

export const readFilter = (text: string | null): RunFilter => filterNames.find((name) => name === text) ?? "all";

// Every word must be in the name, the base, the dataset or the id.
export function matchesSearch(run: RunSummary, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [run.name, run.base, run.datasetName, run.id, run.methodKind].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

// From the start to the end, or to now. Nothing while paused: the pause is not work, and how long it has been is not known here.
export function elapsedSeconds(
  run: Pick<RunSummary, "status" | "startedAt" | "finishedAt">,
  nowMilliseconds: number,
): number | null {
  if (!run.startedAt || run.status === "paused" || run.status === "queued") return null;
  const end = run.finishedAt ? Date.parse(run.finishedAt) : nowMilliseconds;
  return Math.max(0, (end - Date.parse(run.startedAt)) / 1000);
}

// What stands for a base model in a narrow place: the file's name, or the name behind "ollama:".
export const shortBase = (base: string) =>
  base.startsWith("/") ? (base.split("/").filter(Boolean).at(-1) ?? base) : base;
