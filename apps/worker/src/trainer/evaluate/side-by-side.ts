import { type AdapterResult, type AdapterSettings, adaptersOf, bestAdapter, type RunSpec } from "@anneal/contracts";
import type { Totals } from "./totals.ts";

/** One of the adapters trained side by side with its figures on the held-out rows. */
export interface Measurement<T = unknown> {
  name: string;
  totals: Totals;
  found: T;
}

const resultOfAdapter = ({ name, totals: { loss, exactMatch, exactMatches } }: Measurement): AdapterResult => ({
  name,
  loss,
  exactMatch,
  exactMatches,
});

/** Measures every adapter in turn. */
export async function measureEach<T>(
  spec: RunSpec,
  measure: (name: string) => Promise<T>,
  totalsOf: (found: T) => Totals,
): Promise<Measurement<T>[]> {
  const all: Measurement<T>[] = [];
  for (const { name } of adaptersOf(spec)) {
    const found = await measure(name);
    all.push({ name, totals: totalsOf(found), found });
  }
  return all;
}

/** The one that is named, or else the one of the lowest loss, and the figures of all beside its own. */
export function choose<T>(all: readonly Measurement<T>[], named: string | null = null): Measurement<T> {
  const results = all.map(resultOfAdapter);
  const name = named ?? bestAdapter(results)?.name;
  const chosen = all.find((one) => one.name === name) ?? all[0];
  if (!chosen) throw new Error("no adapter was measured");
  return { ...chosen, totals: { ...chosen.totals, adapter: chosen.name, adapters: results } };
}

/** Which adapter a checkpoint stands for: the one that the spec names, or the best by its last evaluation. */
export function adapterOfCheckpoint(spec: RunSpec, lastBest: string | null): string | null {
  const names = adaptersOf(spec).map(({ name }: AdapterSettings) => name);
  const wanted = spec.export.adapter ?? lastBest;
  return names.find((name) => name === wanted) ?? names[0] ?? null;
}
