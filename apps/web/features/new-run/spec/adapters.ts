import type { SideAdapter } from "@anneal/contracts";

const spread = 3; // between neighbouring rates: near enough to find the best, far enough to tell them apart

/** The next line of the list, or its first two: adapters that differ in their learning rates, the usual question. */
export function freshAdapters(present: readonly SideAdapter[], learningRate: number | null): SideAdapter[] {
  const empty = { rank: null, alpha: null, learningRate: null, seed: null, startFrom: null };
  const names = new Set(present.map(({ name }) => name));
  const nameFrom = (number: number): string => (names.has(`a${number}`) ? nameFrom(number + 1) : `a${number}`);
  if (present.length > 0) return [{ ...empty, name: nameFrom(present.length + 1) }];
  const rate = learningRate === null || !(learningRate > 0) ? null : Number((learningRate / spread).toPrecision(2));
  return [
    { ...empty, name: "a1" },
    { ...empty, name: "a2", learningRate: rate },
  ];
}
