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

// How long workers had it in hand; pauses and waiting do not count. Nothing before the first attempt.
export function elapsedSeconds(
  run: Pick<RunSummary, "startedAt" | "workedSeconds" | "workingSince">,
  nowMilliseconds: number,
): number | null {
  if (!run.startedAt) return null;
  const present = run.workingSince ? (nowMilliseconds - Date.parse(run.workingSince)) / 1000 : 0;
  return run.workedSeconds + Math.max(0, present);
}

// What stands for a base model in a narrow place: the file's name, or the name behind "ollama:".
export const shortBase = (base: string) =>
  base.startsWith("/") ? (base.split("/").filter(Boolean).at(-1) ?? base) : base;
