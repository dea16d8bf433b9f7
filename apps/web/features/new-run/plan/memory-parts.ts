import type { MemoryPlan } from "@anneal/contracts";

const all = [
  { key: "weight", colour: "bg-chart-2", striped: false },
  { key: "block", colour: "bg-chart-2", striped: true },
  { key: "adapter", colour: "bg-chart-1", striped: false },
  { key: "gradient", colour: "bg-chart-4", striped: false },
  { key: "optimizer", colour: "bg-chart-3", striped: false },
  { key: "activation", colour: "bg-chart-5", striped: false },
  { key: "reference", colour: "bg-chart-4", striped: true },
  { key: "logits", colour: "bg-chart-5", striped: true },
  { key: "packing", colour: "bg-chart-3", striped: true },
  { key: "runtime", colour: "bg-input", striped: false },
] as const;

/** The parts that take anything at all, in the order of the bar. */
export const memoryParts = (memory: MemoryPlan) =>
  all.map((part) => ({ ...part, bytes: memory[`${part.key}Bytes`] })).filter(({ bytes }) => bytes > 0);

/** What the bar's whole width stands for: the budget, or more where the budget is passed. */
export const scaleOf = (totalBytes: number, budgetBytes: number): number => Math.max(1, totalBytes, budgetBytes);
