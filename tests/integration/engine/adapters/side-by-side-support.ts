// Three adapters with settings and data of their own, trained together and each alone.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MicroBatch, Optimizer, Session, TrainingSpec } from "@anneal/engine";
import { expect } from "vitest";
import { batchOf, lora, specOf, withSession } from "../support.ts";

export const optimizer: Optimizer = { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 };
export const adapters = [
  { name: "one", rank: 4, alpha: 8, seed: 3, learningRate: 3e-3, clipNorm: 1 },
  { name: "two", rank: 8, alpha: 4, seed: 9, learningRate: 1e-3, clipNorm: 0.3 },
  { name: "three", rank: 2, alpha: 16, seed: 4, learningRate: 5e-3, clipNorm: 0 },
];
export const specs = adapters.map(({ name, rank, alpha, seed }) => ({ name, rank, alpha, seed }));
export const steps = 4;

/** Data of an adapter at a step; each has lengths of its own, all above the number of rows that products treat as few. */
export const dataOf = (adapter: number, step: number): MicroBatch[] =>
  [0, 1].map((part) => batchOf([20 + 3 * adapter + step, 17 + adapter], 100 * adapter + 2 * step + part));

export function joined(batches: MicroBatch[]): MicroBatch {
  const offsets = [0];
  for (const { tokens, offsets: own } of batches) {
    const at = offsets.at(-1) ?? 0;
    expect(own.at(-1)).toBe(tokens.length);
    for (const offset of own.slice(1)) offsets.push(at + offset);
  }
  return {
    tokens: Int32Array.from(batches.flatMap(({ tokens }) => [...tokens])),
    labels: Int32Array.from(batches.flatMap(({ labels }) => [...labels])),
    offsets: Int32Array.from(offsets),
    adapters: Int32Array.from(batches.flatMap(({ offsets: own }, adapter) => Array(own.length - 1).fill(adapter))),
  };
}

/** Of one adapter at a step; routerAux where routers are balanced. */
export interface CurvePoint {
  loss: number;
  gradNorm: number;
  routerAux?: number;
}

export async function together(session: Session, from = 0, to = steps) {
  const curves: CurvePoint[][] = [];
  for (let step = from; step < to; step++) {
    const result = await session.step({
      microBatches: [0, 1].map((part) => joined(adapters.map((_, i) => dataOf(i, step)[part] as MicroBatch))),
      learningRate: 0,
      clipNorm: 0,
      step,
      adapters: adapters.map(({ learningRate, clipNorm }) => ({ learningRate, clipNorm })),
    });
    curves.push((result.adapters ?? []).map(({ loss, gradNorm, routerAux }) => ({ loss, gradNorm, routerAux })));
  }
  return curves;
}

/** One of them trained by itself, from step 0 to `steps`; its adapter goes to `out`. */
export async function alone(changes: Partial<TrainingSpec>, dropout: number, index: number, out: string) {
  const adapter = adapters[index];
  if (!adapter) throw new Error("no such adapter");
  const { rank, alpha, seed, learningRate, clipNorm } = adapter;
  const method = { ...lora, rank, alpha, dropout, targets: targetsOf(changes) };
  return withSession(specOf({ ...changes, method, optimizer, seed }), async (session) => {
    const curve: CurvePoint[] = [];
    for (let step = 0; step < steps; step++) {
      const { loss, gradNorm, metrics } = await session.step({
        microBatches: dataOf(index, step),
        learningRate,
        clipNorm,
        step,
      });
      curve.push({ loss, gradNorm, routerAux: metrics.routerAux });
    }
    await session.exportAdapter(out);
    return { curve, file: adapterFile(out) };
  });
}

const targetsOf = ({ method }: Partial<TrainingSpec>) => (method?.kind === "lora" ? method.targets : lora.targets);

export const adapterFile = (folder: string): Buffer => readFileSync(join(folder, "adapter_model.safetensors"));

/** The adapter named `name` in `session` answers as `single`, which has it alone. */
export async function expectSameAnswer(session: Session, name: string, single: Session, batch: MicroBatch) {
  const request = {
    prompts: [batch.tokens.slice(0, 9)],
    maxNewTokens: 6,
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 0,
    stopTokens: [],
  };
  const [mine] = (await single.generate(request)).sequences;
  const [theirs] = (await session.generate({ ...request, adapter: name })).sequences;
  expect(theirs?.tokens).toEqual(mine?.tokens);
}
