// Regret of our samplers beside Optuna's on fixed functions, from the same budget: medians over seeds.
// ANNEAL_SEARCH_SEEDS (20), ANNEAL_SEARCH_TRIALS (60): smaller values for a quick look.
import { fileURLToPath } from "node:url";
import { type Asker, foreign, own, regret } from "./search/compare.ts";
import { functions } from "./search/functions.ts";
import { LineProcess } from "./support/line-process.ts";
import { median } from "./support/median.ts";
import type { BenchRow } from "./types.ts";

const seeds = Number(process.env.ANNEAL_SEARCH_SEEDS ?? 20);
const trials = Number(process.env.ANNEAL_SEARCH_TRIALS ?? 60);

export async function* run(): AsyncIterable<BenchRow> {
  const python = process.env.ANNEAL_PEER_PYTHON;
  if (!python) console.error("ANNEAL_PEER_PYTHON names no Python with optuna and torch: no peer is measured.");
  const script = fileURLToPath(new URL("peers/search.py", import.meta.url));
  for (const kind of ["gp", "tpe"] as const) {
    const peer = python ? new LineProcess<unknown>(python, [script, kind]) : null;
    try {
      for (const parallel of [1, 16]) {
        const ratios: number[] = [];
        for (const f of functions) {
          const all = async (asker: Asker) => {
            const out: number[] = [];
            for (let seed = 0; seed < seeds; seed++) out.push(await regret(asker, f, seed, trials, parallel));
            return median(out);
          };
          const value = await all(own(kind));
          const peerValue = peer ? await all(foreign(peer)) : null;
          // Below 1e-6 of a function's value both have found the minimum.
          const floor = 1e-6 * Math.max(1, Math.abs(f.minimum));
          const ratio = peerValue === null ? null : Math.max(peerValue, floor) / Math.max(value, floor);
          if (ratio !== null) ratios.push(ratio);
          const name = `${kind} ${parallel > 1 ? `${parallel} pending ` : ""}${f.name}`;
          yield { name, value, unit: "regret", peer: peer && "Optuna", peerValue, ratio };
        }
        if (ratios.length > 0) {
          const mean = Math.exp(ratios.reduce((a, r) => a + Math.log(r), 0) / ratios.length);
          yield {
            name: `${kind} ${parallel} at a time, all`,
            value: mean,
            unit: "geo. mean",
            peer: "ratio above 1: less regret",
            peerValue: 1,
            ratio: mean,
          };
        }
      }
    } finally {
      peer?.end();
    }
  }
}
