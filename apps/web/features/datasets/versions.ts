import type { DatasetSummary, DatasetVersionSummary } from "@anneal/contracts";

export const newestVersion = (dataset: DatasetSummary): DatasetVersionSummary | undefined =>
  dataset.versions.reduce<DatasetVersionSummary | undefined>(
    (newest, version) => (!newest || version.number > newest.number ? version : newest),
    undefined,
  );

export const newestFirst = (versions: readonly DatasetVersionSummary[]) =>
  versions.toSorted((a, b) => b.number - a.number);

// Enough of a digest to tell two apart by eye.
export const shortDigest = (digest: string) => digest.replace(/^sha256:/, "").slice(0, 12);
