// One search: `trials` points of which `parallel` run at a time and end in the order of their start. Returns the regret.

import type { SearchPoint } from "@anneal/contracts";
import { gpSampler, type Sampler, type Study, type Trial, tpeSampler } from "@anneal/search";
import type { LineProcess } from "../support/line-process.ts";
import type { TestFunction } from "./functions.ts";

export interface Asker {
  start(f: TestFunction, seed: number): Promise<void>;
  ask(): Promise<{ number: number; point: SearchPoint }>;
  tell(number: number, value: number): Promise<void>;
}

export async function regret(
  asker: Asker,
  f: TestFunction,
  seed: number,
  trials: number,
  parallel: number,
): Promise<number> {
  await asker.start(f, seed);
  const running: { number: number; point: SearchPoint }[] = [];
  let best = Number.POSITIVE_INFINITY;
  const end = async () => {
    const { number, point } = running.shift() as (typeof running)[number];
    const value = f.at(point as Record<string, number>);
    best = Math.min(best, value);
    await asker.tell(number, value);
  };
  for (let i = 0; i < trials; i++) {
    if (running.length === parallel) await end();
    running.push(await asker.ask());
  }
  while (running.length > 0) await end();
  return best - f.minimum;
}

export function own(kind: "gp" | "tpe"): Asker {
  const sampler: Sampler = kind === "gp" ? gpSampler() : tpeSampler();
  let study: Study;
  return {
    async start(f, seed) {
      study = { space: f.space, direction: "minimise", seed, trials: [] };
    },
    async ask() {
      const point = (await sampler.next(study)) ?? {};
      const trial: Trial = { point, state: "running", value: null, reports: [] };
      return { number: study.trials.push(trial) - 1, point };
    },
    async tell(number, value) {
      Object.assign(study.trials[number] as Trial, { state: "complete", value });
    },
  };
}

export const foreign = (peer: LineProcess<unknown>): Asker => ({
  async start(f, seed) {
    await peer.ask(JSON.stringify({ study: { seed, space: f.space } }));
  },
  ask: () => peer.ask('"ask"') as ReturnType<Asker["ask"]>,
  async tell(number, value) {
    await peer.ask(JSON.stringify({ tell: [number, value] }));
  },
});
