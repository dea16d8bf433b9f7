import { type FitSuggestion, moreCheckpointing, type Phrase, type RunSpec, say, told } from "@anneal/contracts";

export interface SettingPlan {
  totalBytes: number;
  flopsPerMicroBatch: number;
  trainableParameters: number;
}

type Change = Partial<RunSpec>;
interface Measured {
  change: Change;
  settings: Phrase[];
  plan: SettingPlan;
  cost: number;
}
interface Setting {
  change: Change;
  words: Phrase[];
}

// What a micro-batch costs beside its tokens, in tokens: panels of the weights are packed once for each.
const overheadTokens = 96;
// Reading the frozen base through its codes, and an update of one trained weight in floating point operations; measured on AVX2 with
// `npm run -s bench -- memory`.
const storageFactors: Record<RunSpec["baseStorage"], number> = { dense: 1, blocks: 1.08, int8: 1.04, nf4: 1.08 };
const updateFlops = { adamw: 40, adamw8bit: 120 };
const worthIt = 0.95; // a change for less gain than this is not worth anyone's attention
const largestMicroBatch = 8192;

/** Seconds of a step up to a factor that all settings of one model and machine share. */
function cost(spec: RunSpec, plan: SettingPlan, tokensPerStep: number): number {
  const perToken = plan.flopsPerMicroBatch / spec.microBatchTokens;
  const packing = 1 + overheadTokens / Math.min(spec.microBatchTokens, tokensPerStep);
  const update = spec.optimizer.kind === "adamw8bit" ? updateFlops.adamw8bit : updateFlops.adamw;
  return tokensPerStep * perToken * packing * storageFactors[spec.baseStorage] + plan.trainableParameters * update;
}

/** Ways to take less memory that leave what is trained, on which rows and by which steps as they are. */
function savings(spec: RunSpec): Setting[] {
  const axes: Setting[][] = [];
  const recomputing = moreCheckpointing(spec.gradientCheckpointing);
  if (recomputing.length > 0)
    axes.push(
      recomputing.map((gradientCheckpointing) => ({
        change: { gradientCheckpointing },
        words: [say`gradientCheckpointing ${gradientCheckpointing}`],
      })),
    );
  const { optimizer } = spec;
  if (optimizer.kind === "adamw")
    axes.push([{ change: { optimizer: { ...optimizer, kind: "adamw8bit" } }, words: [say`optimizer ${"adamw8bit"}`] }]);
  if (spec.method.kind === "lora" && spec.baseStorage === "dense")
    axes.push(
      (["int8", "nf4"] as const).map((baseStorage) => ({
        change: { baseStorage },
        words: [say`baseStorage ${baseStorage}`],
      })),
    );
  let all: Setting[] = [{ change: {}, words: [] }];
  for (const axis of axes)
    all = all.flatMap((setting) => [
      setting,
      ...axis.map(({ change, words }) => ({
        change: { ...setting.change, ...change },
        words: [...setting.words, ...words],
      })),
    ]);
  return all;
}

/** Micro-batches from the largest that is of use down to the least that holds the longest row; the asked one is among them. */
function microBatchSizes(spec: RunSpec, longestTokens: number, tokensPerStep: number): number[] {
  const most = Math.min(largestMicroBatch, Math.max(spec.microBatchTokens, 2 * tokensPerStep));
  const least = Math.max(16, Math.min(spec.maxSequenceTokens, longestTokens));
  const sizes = [spec.microBatchTokens];
  for (let size = spec.microBatchTokens * 2; size <= most; size *= 2) sizes.unshift(size);
  for (let size = Math.floor(spec.microBatchTokens / 2); size >= least; size = Math.floor(size / 2)) sizes.push(size);
  return sizes;
}

/**
 * The fastest setting inside the budget: micro-batch (the step stays as large, accumulated from more or fewer of them), layers computed
 * again, an 8-bit optimizer, a quantised base. Every candidate is measured by the engine's own plan. Null when nothing fits.
 */
export async function fit(o: {
  spec: RunSpec;
  budgetBytes: number;
  longestTokens: number;
  tokensPerStep: number;
  plan: (spec: RunSpec) => SettingPlan | null; // null: the engine refuses that setting
}): Promise<FitSuggestion | null> {
  const sizes = microBatchSizes(o.spec, o.longestTokens, o.tokensPerStep);
  const asked = o.plan(o.spec);
  const askedCost = asked ? cost(o.spec, asked, o.tokensPerStep) : null;
  let best: { suggestion: FitSuggestion; cost: number } | null = null;
  for (const { change, words } of savings(o.spec)) {
    const measure = async (size: number): Promise<Measured | null> => {
      await new Promise((resolve) => setImmediate(resolve)); // each plan reads a header: let other requests in between
      // A limit on rows that none reaches costs nothing to lower with the micro-batch.
      const maxSequenceTokens = Math.min(o.spec.maxSequenceTokens, size);
      const shorter: { maxSequenceTokens?: number } =
        maxSequenceTokens < o.spec.maxSequenceTokens ? { maxSequenceTokens } : {};
      const all: Change = {
        ...change,
        ...shorter,
        ...(size === o.spec.microBatchTokens ? {} : { microBatchTokens: size }),
      };
      const spec = { ...o.spec, ...all };
      const plan = o.plan(spec);
      if (!plan || plan.totalBytes > o.budgetBytes) return null;
      const settings = [...words];
      if (shorter.maxSequenceTokens !== undefined) settings.push(say`maxSequenceTokens ${shorter.maxSequenceTokens}`);
      if (all.microBatchTokens !== undefined) settings.push(say`microBatchTokens ${all.microBatchTokens}`);
      return { change: all, settings, plan, cost: cost(spec, plan, o.tokensPerStep) };
    };
    // Memory and speed both grow with the micro-batch: the largest that fits is the fastest of its kind.
    let low = 0;
    let high = sizes.length;
    let found: Measured | null = null;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const there = await measure(sizes[middle] as number);
      if (there) {
        found = there;
        high = middle;
      } else low = middle + 1;
    }
    if (!found || (best && found.cost >= worthIt * best.cost)) continue;
    const relativeSeconds = askedCost ? found.cost / askedCost : null;
    const { totalBytes } = found.plan;
    // Nothing to change: what was asked is the fastest.
    const inOne = found.settings.length > 0 ? found.settings.reduce((all, one) => say`${all}, ${one}`) : "";
    best = {
      suggestion: { change: found.change, ...told({ words: inOne }), totalBytes, relativeSeconds },
      cost: found.cost,
    };
  }
  return best?.suggestion ?? null;
}
