import { type FitSuggestion, LoraMethod, type RunSpec } from "@anneal/contracts";

type Change = Partial<RunSpec>;
interface Option {
  change: Change;
  words: string;
  cost: number; // how far it is from what was asked: what changes the result costs more than what only costs time
}
type Axis = Option[];

const same: Option = { change: {}, words: "", cost: 0 };
const wanted = 3;
const mostTried = 80;

function halvings(from: number, least: number): number[] {
  const values: number[] = [];
  for (let value = Math.floor(from / 2); value >= least; value = Math.floor(value / 2)) values.push(value);
  return values;
}

function axesOf(spec: RunSpec, longestTokens: number): Axis[] {
  const axes: Axis[] = [];
  // Sequences first: how far micro-batches may shrink depends on them.
  const lengths = halvings(spec.maxSequenceTokens, 32);
  // A limit that no row reaches may fall to the longest row without touching one.
  const harmless = Math.max(16, Math.ceil(longestTokens / 16) * 16);
  if (harmless < spec.maxSequenceTokens) lengths.unshift(harmless);
  axes.push([
    same,
    ...[...new Set(lengths)].map((tokens): Option => {
      const cut = tokens < longestTokens;
      const cost = cut ? 4 * Math.log2(spec.maxSequenceTokens / tokens) : 0.5;
      return {
        change: { maxSequenceTokens: tokens },
        words: `maxSequenceTokens ${tokens}${cut ? " (cuts the longest rows)" : ""}`,
        cost,
      };
    }),
  ]);
  axes.push([
    same,
    ...halvings(spec.microBatchTokens, 16).map(
      (tokens): Option => ({
        change: { microBatchTokens: tokens },
        words: `microBatchTokens ${tokens}`,
        cost: Math.log2(spec.microBatchTokens / tokens),
      }),
    ),
  ]);
  if (!spec.gradientCheckpointing)
    axes.push([same, { change: { gradientCheckpointing: true }, words: "gradientCheckpointing on", cost: 1.5 }]);
  if (spec.precision === "f32") axes.push([same, { change: { precision: "bf16" }, words: "precision bf16", cost: 3 }]);
  if (spec.method.kind === "full")
    axes.push([
      same,
      { change: { method: LoraMethod.parse({ kind: "lora" }) }, words: "LoRA instead of full", cost: 6 },
    ]);
  else {
    const { method } = spec;
    axes.push([
      same,
      ...halvings(method.rank, 4).map(
        (rank): Option => ({
          change: { method: { ...method, rank, alpha: (method.alpha * rank) / method.rank } },
          words: `rank ${rank}`,
          cost: 2 * Math.log2(method.rank / rank),
        }),
      ),
    ]);
  }
  return axes;
}

interface Candidate {
  at: number[]; // the option taken on each axis
  cost: number;
}

function combinations(axes: Axis[]): Candidate[] {
  let all: Candidate[] = [{ at: [], cost: 0 }];
  for (const axis of axes)
    all = all.flatMap(({ at, cost }) => axis.map((option, i) => ({ at: [...at, i], cost: cost + option.cost })));
  return all.filter(({ cost }) => cost > 0).sort((a, b) => a.cost - b.cost);
}

/**
 * The nearest settings that fit, nearest first: combinations of changes in the order of what they cost a person, each
 * measured by the engine's own plan. One that only adds changes to a setting already found is left out.
 */
export function suggestFits(o: {
  spec: RunSpec;
  budgetBytes: number;
  longestTokens: number;
  plannedBytes: (spec: RunSpec) => number | null; // null: the engine refuses that setting
}): FitSuggestion[] {
  const axes = axesOf(o.spec, o.longestTokens);
  const found: (Candidate & FitSuggestion)[] = [];
  let tried = 0;
  for (const candidate of combinations(axes)) {
    if (found.length === wanted || tried === mostTried) break;
    const options = candidate.at.map((i, axis) => axes[axis]?.[i] ?? same);
    const change: Change = Object.assign({}, ...options.map((option) => option.change));
    const spec: RunSpec = { ...o.spec, ...change };
    // A micro-batch must hold the longest sequence.
    if (spec.microBatchTokens < spec.maxSequenceTokens) continue;
    if (found.some((other) => other.at.every((i, axis) => i <= (candidate.at[axis] ?? 0)))) continue;
    tried++;
    const totalBytes = o.plannedBytes(spec);
    if (totalBytes === null || totalBytes > o.budgetBytes) continue;
    const words = options.flatMap((option) => (option.words ? [option.words] : [])).join(", ");
    found.push({ ...candidate, words, change, totalBytes });
  }
  return found.map(({ words, change, totalBytes }) => ({ words, change, totalBytes }));
}
