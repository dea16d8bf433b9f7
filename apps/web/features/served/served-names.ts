import type { DeploymentSummary } from "@anneal/contracts";

export interface ServedName {
  name: string;
  current: DeploymentSummary | null; // what Ollama serves under it; null where that is not from here
  moving: DeploymentSummary | null; // what is on its way to the name
  history: DeploymentSummary[]; // all others, newest first
}

// As Ollama reads names: `a` is `a:latest`, and capitals do not count.
const keyOf = (name: string) => (name.includes(":") ? name : `${name}:latest`).toLowerCase();
const timeOf = (row: DeploymentSummary) => row.finishedAt ?? row.createdAt;

/** Publications by the name they were made under; names that serve something first. */
export function servedNames(rows: readonly DeploymentSummary[]): ServedName[] {
  const byName = new Map<string, DeploymentSummary[]>();
  for (const row of rows) byName.set(keyOf(row.name), [...(byName.get(keyOf(row.name)) ?? []), row]);
  return [...byName.values()]
    .map((group): ServedName => {
      const sorted = group.toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)));
      const current = sorted.find(({ status }) => status === "live" || status === "drifted") ?? null;
      const moving = sorted.find(({ status }) => status === "pending" || status === "publishing") ?? null;
      const name = (current ?? moving ?? sorted[0])?.name ?? "";
      return { name, current, moving, history: sorted.filter((row) => row !== current && row !== moving) };
    })
    .sort((a, b) => Number(b.current !== null) - Number(a.current !== null) || a.name.localeCompare(b.name));
}

export function matchesServed({ name, current, history, moving }: ServedName, search: string): boolean {
  const rows = [current, moving, ...history].filter((row) => row !== null);
  const text = [name, ...rows.flatMap((row) => [row.runName, row.file?.name, row.gguf, row.file?.digest])]
    .join(" ")
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
