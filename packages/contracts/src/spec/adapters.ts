import { z } from "zod";
import { strict } from "../strict.ts";
import { AdapterName, AdapterRef } from "./adapter-ref.ts";

// Several adapters trained side by side over one base: the base lies in memory once, its products run over all of their rows.

export const mostAdapters = 16;

/** One of them; what is null is the run's own. Layers, dropout, schedule and the number of steps are the same for all. */
export const SideAdapter = strict({
  name: AdapterName,
  rank: z.int().min(1).max(1024).nullable().default(null), // null: method.rank
  alpha: z.number().positive().max(65_536).nullable().default(null), // null: method.alpha
  learningRate: z.number().positive().max(1).nullable().default(null), // null: learningRate
  // Of its fresh weights, its dropout and the order of its rows; null: seed. Which rows are held out follows from the run's.
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .nullable()
    .default(null),
  startFrom: AdapterRef.nullable().default(null), // null: a fresh adapter
});
export type SideAdapter = z.infer<typeof SideAdapter>;

/** One of several adapters with every setting said. */
export interface AdapterSettings {
  name: string;
  rank: number;
  alpha: number;
  learningRate: number;
  seed: number;
  startFrom: AdapterRef | null;
}

interface Settings {
  method: { kind: string; rank?: number; alpha?: number };
  learningRate: number;
  seed: number;
  adapters: readonly SideAdapter[];
}

/** The adapters that a run trains side by side, in the spec's order; empty where it trains one, or the whole model. */
export function adaptersOf({ method, learningRate, seed, adapters }: Settings): AdapterSettings[] {
  return adapters.map((own) => ({
    name: own.name,
    rank: own.rank ?? method.rank ?? 1,
    alpha: own.alpha ?? method.alpha ?? 1,
    learningRate: own.learningRate ?? learningRate,
    seed: own.seed ?? seed,
    startFrom: own.startFrom,
  }));
}

interface Measured {
  name: string;
  loss: number | null;
}

/** The lowest held-out loss; of equals, and where nothing was measured, the first. Null where there are none. */
export function bestAdapter<T extends Measured>(results: readonly T[]): T | null {
  return results.reduce<T | null>(
    (best, one) =>
      best === null || (one.loss ?? Number.POSITIVE_INFINITY) < (best.loss ?? Number.POSITIVE_INFINITY) ? one : best,
    null,
  );
}
