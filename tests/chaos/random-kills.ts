import type { CaseResult } from "../support/suite-result.ts";
import { chooseTarget, killTarget, targets } from "./kills.ts";
import { seededRandom } from "./random.ts";
import { chaosSpec, ended, facts, type Stage } from "./stage.ts";
import { differences, type Reference } from "./verify.ts";

const mostKillsOfARun = 5;

/** Run after run, each hit a few times at moments spread over all of its length, until all kills are spent. */
export async function randomKills(o: {
  stage: Stage;
  reference: Reference;
  runSeconds: number;
  kills: number;
  seed: number;
  report: (result: CaseResult) => void;
}): Promise<void> {
  const { stage, reference, runSeconds, kills, seed, report } = o;
  const { lab } = stage;
  const random = seededRandom(seed);
  for (let spent = 0, round = 1; spent < kills; round++) {
    const { id } = await lab.createRun(chaosSpec);
    const wanted = Math.min(kills - spent, 1 + Math.floor(random() * mostKillsOfARun));
    const hits: string[] = [];
    const began = Date.now();
    let over = false;
    const whenOver = lab.until(id, "ended", ended, 300).then(
      (run) => {
        over = true;
        return run;
      },
      (error: unknown) => {
        over = true;
        return error instanceof Error ? error : new Error(String(error));
      },
    );
    while (hits.length < wanted && !over) {
      // Moments from right after the last hit to most of a run later; whatever is the target then.
      await new Promise((resolve) => setTimeout(resolve, random() ** 2 * 0.7 * runSeconds * 1000));
      if (over) break;
      const chosen = chooseTarget(random);
      const target = [chosen, ...targets].find((one) => killTarget(stage.anneal(), one));
      if (!target) continue; // all are just starting again
      hits.push(`${target} at ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
    spent += hits.length;
    const run = await whenOver;
    const name = `run ${round}, killed ${hits.length === 0 ? "never (it was over)" : hits.join(", ")}`;
    if (run instanceof Error) {
      report({ name, status: "failed", detail: run.message });
      return;
    }
    const faults = await differences(lab, run, reference, facts, stage.ollamaNames);
    const attempts = `${run.attempts.length} attempts, ${((Date.now() - began) / 1000).toFixed(1)} s`;
    report({
      name,
      status: faults.length === 0 ? "passed" : "failed",
      detail: faults.length === 0 ? `same SHA-256, ${attempts}` : `${attempts}: ${faults.slice(0, 8).join("; ")}`,
    });
  }
}
