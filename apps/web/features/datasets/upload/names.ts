import { DisplayName } from "@anneal/contracts";

// A name for the dataset from the file's: without its ending, and without signs that a name may not hold.
export function nameFromFile(fileName: string): string {
  const stem = fileName.replace(/^.*[\\/]/, "").replace(/\.(jsonl?|ndjson|csv|tsv|txt|parquet)(\.gz)?$/i, "");
  const cleaned = stem
    .replace(/[^\p{L}\p{N}\p{M} ._\-()]+/gu, " ")
    .replace(/^[^\p{L}\p{N}]+/u, "")
    .trim()
    .slice(0, 80)
    .trim();
  return DisplayName.safeParse(cleaned).success ? cleaned : "dataset";
}
