import type { DatasetSummary } from "@anneal/contracts";

export interface VersionOption {
  id: string;
  name: string;
  number: number;
  rows: number;
  createdAt: string;
}

/** Every version of every dataset, the datasets by name, the newest version first. */
export const versionOptions = (datasets: readonly DatasetSummary[]): VersionOption[] =>
  datasets
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .flatMap(({ name, versions }) =>
      versions
        .toSorted((a, b) => b.number - a.number)
        .map(({ id, number, rows, createdAt }) => ({ id, name, number, rows, createdAt })),
    );
