import {
  type FitSuggestion,
  LoraMethod,
  moreCheckpointing,
  type Phrase,
  type RunSpec,
  say,
  told,
} from "@anneal/contracts";

type Change = Partial<RunSpec>;
interface Option {
  change: Change;
  words: Phrase;
  cost: number; // how far it is from what was asked: what changes the result costs more than what only costs time
}
type Axis = Option[];

const same: Option = { change: {}, words: { pattern: "", values: [] }, cost: 0 };
const wanted = 3;
const mostTried = 60;

function halvings(from: number, least: number): number[] {
  const values: number[] = [];
  for (let value = Math.floor(from / 2); value >= least; value = Math.floor(value / 2)) values.push(value);
  return values;
}

const microBatches = (spec: RunSpec): Axis => [
  same,
  ...halvings(spec.microBatchTokens, 16).map(
    (tokens): Option => ({
      change: { microBatchTokens: tokens },
      words: say`microBatchTokens ${tokens}`,
      cost: Math.log2(spec.microBatchTokens / tokens),
    }),
  ),
];

/** Every axis but the micro-batch. */
function axesOf(spec: RunSpec, longestTokens: number): Axis[] {
  const axes: Axis[] = [];
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
        words: cut ? say`maxSequenceTokens ${tokens} (cuts the longest rows)` : say`maxSequenceTokens ${tokens}`,
        cost,
      };
    }),
  ]);
  const recomputing = moreCheckpointing(spec.gradientCheckpointing);
  if (recomputing.length > 0)
    axes.push([
      same,
      ...recomputing.map((gradientCheckpointing) => ({
        change: { gradientCheckpointing },
        words: say`gradientCheckpointing ${gradientCheckpointing}`,
        cost: gradientCheckpointing === "full" ? 1.5 : 1,
      })),
    ]);
  if (spec.optimizer.kind === "adamw")
    axes.push([
      same,
      {
        change: { optimizer: { ...spec.optimizer, kind: "adamw8bit" } },
        words: say`optimizer ${"adamw8bit"}`,
        cost: 2.5,
      },
    ]);
  if (spec.method.kind === "lora" && spec.baseStorage === "dense")
    axes.push([
      same,
      { change: { baseStorage: "int8" }, words: say`baseStorage ${"int8"}`, cost: 3 },
      { change: { baseStorage: "nf4" }, words: say`baseStorage ${"nf4"}`, cost: 4 },
    ]);
  if (spec.precision === "f32")
    axes.push([same, { change: { precision: "bf16" }, words: say`precision ${"bf16"}`, cost: 3 }]);
  if (spec.method.kind === "full")
    axes.push([
      same,
      { change: { method: LoraMethod.parse({ kind: "lora" }) }, words: say`LoRA instead of full`, cost: 6 },
    ]);
  else if (spec.adapters.length === 0) {
    const { method } = spec;
    axes.push([
      same,
      ...halvings(method.rank, 4).map(
        (rank): Option => ({
          change: { method: { ...method, rank, alpha: (method.alpha * rank) / method.rank } },
          words: say`rank ${rank}`,
          cost: 2 * Math.log2(method.rank / rank),
        }),
      ),
    ]);
  }
  return axes;
}

interface Candidate {
  options: Option[];
  cost: number;
}
type Found = Candidate & { totalBytes: number };

function combinations(axes: Axis[]): Candidate[] {
  let all: Candidate[] = [{ options: [], cost: 0 }];
  for (const axis of axes)
    all = all.flatMap(({ options, cost }) =>
      axis.map((option) => ({ options: option === same ? options : [...options, option], cost: cost + option.cost })),
    );
  return all.sort((a, b) => a.cost - b.cost);
}

const changeOf = (options: Option[]): Change => Object.assign({}, ...options.map(({ change }) => change));

/** One asks for all that the other asks for, and more. */
const adds = (more: Candidate, less: Candidate) =>
  less.options.every(
    (option) =>
      more.options.includes(option) ||
      more.options.some(
        (o) => Object.keys(o.change).join() === Object.keys(option.change).join() && o.cost >= option.cost,
      ),
  );

/**
 * The nearest settings that fit, nearest first. For each combination of the other changes, cheapest first, the largest
 * micro-batch that fits is looked for by halving (memory only grows with it), each time by the engine's own plan.
 */
export async function suggestFits(o: {
  spec: RunSpec;
  budgetBytes: number;
  longestTokens: number;
  plannedBytes: (spec: RunSpec) => number | null; // null: the engine refuses that setting
}): Promise<FitSuggestion[]> {
  const micro = microBatches(o.spec);
  const found: Found[] = [];
  let tried = 0;
  const measure = async ({ options, cost }: Candidate, step: number): Promise<Found | null> => {
    const option = micro[step];
    if (!option || tried === mostTried) return null;
    tried++;
    await new Promise((resolve) => setImmediate(resolve)); // each plan reads a header: let other requests in between
    const all = option === same ? options : [...options, option];
    const totalBytes = o.plannedBytes({ ...o.spec, ...changeOf(all) });
    const fits = totalBytes !== null && totalBytes <= o.budgetBytes;
    return fits ? { options: all, cost: cost + option.cost, totalBytes } : null;
  };
  const third = () => found.map(({ cost }) => cost).sort((a, b) => a - b)[wanted - 1] ?? Number.POSITIVE_INFINITY;
  const spare: Found[] = []; // they ask for more than a found one, and leave more room: should the others be too few
  for (const candidate of combinations(axesOf(o.spec, o.longestTokens))) {
    if (candidate.cost >= third() || tried === mostTried) break;
    const longest = changeOf(candidate.options).maxSequenceTokens ?? o.spec.maxSequenceTokens;
    // A micro-batch must hold the longest sequence.
    const last = micro.findLastIndex(({ change }) => (change.microBatchTokens ?? o.spec.microBatchTokens) >= longest);
    let best = await measure(candidate, last);
    if (!best) continue;
    let at = last;
    for (let low = 0; low < at; ) {
      const middle = Math.floor((low + at) / 2);
      const there = await measure(candidate, middle);
      if (there) {
        best = there;
        at = middle;
      } else low = middle + 1;
    }
    const nearer = found.find((other) => best && adds(best, other));
    if (!nearer) found.push(best);
    else if (best.totalBytes < 0.97 * nearer.totalBytes) spare.push(best);
    if (!nearer && at < last) {
      const further = await measure(candidate, at + 1);
      if (further) spare.push(further);
    }
  }
  const byCost = (list: Found[]) => list.filter(({ cost }) => cost > 0).sort((a, b) => a.cost - b.cost);
  const chosen = [...byCost(found), ...byCost(spare)].slice(0, wanted);
  return byCost(chosen).map(({ options, totalBytes }) => ({
    ...told({ words: options.map(({ words }) => words).reduce((all, words) => say`${all}, ${words}`) }),
    change: changeOf(options),
    totalBytes,
    relativeSeconds: null,
  }));
}
