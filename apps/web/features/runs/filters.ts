import { RunStatus, type RunSummary } from "@anneal/contracts";

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

/** How many runs a filter shows; absent: not asked yet. */
export function countOf(filter: RunFilter, counts: Partial<Record<RunStatus, number>> | undefined): number | undefined {
  if (!counts) return undefined;
  const statuses: readonly RunStatus[] = runFilters[filter] ?? RunStatus.options;
  return statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
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

/** What stands for a base model in a narrow place: its name in the registry, the file's, or the name behind "ollama:". */
export const shortBase = (base: string, name: string | null = null) =>
  name ?? (base.startsWith("/") ? (base.split("/").filter(Boolean).at(-1) ?? base) : base);
