// npm run -s chaos -- --kills N --seed S: runs whose trainer, worker and Postgres are killed at random moments must end like
// one that nobody disturbed.
import { parseArgs } from "node:util";
import { type CaseResult, closingLine } from "../support/suite-result.ts";
import { randomKills } from "./random-kills.ts";
import { openStage } from "./stage.ts";
import { stoppedWorkerCase } from "./stopped-worker.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run -s chaos -- [--kills N] [--seed S] [--keep]

Trains a tiny model again and again while kill -9 hits the trainer, the worker or Postgres at random moments (N times in all).
Every run must end with the SHA-256 of an undisturbed one, no metric missing or doubled, and one publication. Then a worker is
stopped past its lease and woken: the fence must shut it out, and without that check the same scene must go wrong.

  --kills N   how many kills (30)
  --seed S    which moments and targets (1)
  --keep      keep the folder with logs and journals

ANNEAL_TEST_FENCE=off switches the check off everywhere: then this command fails.`);
  process.exit(0);
}
const number = (name: "kills" | "seed") => {
  const parsed = Number(values[name]);
  if (Number.isSafeInteger(parsed) && parsed >= 0) return parsed;
  console.error(`--${name}: "${values[name]}" is not a whole number from 0. Give one, such as --${name} 30.`);
  process.exit(2);
};
const kills = number("kills");
const seed = number("seed");
const fence = process.env.ANNEAL_TEST_FENCE === "off" ? "off" : "on";

const results: CaseResult[] = [];
const report = (result: CaseResult) => {
  results.push(result);
  console.log(`${result.status.padEnd(7)} ${result.name}${result.detail ? `: ${result.detail}` : ""}`);
};
const began = Date.now();
const opening = openStage(fence);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    // Postgres runs in a session of its own and would outlive us.
    console.error("stopping: ending what was started ...");
    opening.then((stage) => stage.close({ keep: values.keep })).finally(() => process.exit(130));
  });
const stage = await opening;
try {
  const { reference, seconds } = await stage.undisturbed();
  console.log(`undisturbed: ${reference.digest}, ${seconds.toFixed(1)} s`);
  await randomKills({ stage, reference, runSeconds: seconds, kills, seed, report });
  await stage.stopSupervisor();
  await stoppedWorkerCase({ stage, reference, fence, report });
} catch (error) {
  report({
    name: "chaos",
    status: "failed",
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
} finally {
  await stage.close({ keep: values.keep || results.some(({ status }) => status === "failed") });
}
const count = (status: CaseResult["status"]) => results.filter((result) => result.status === status).length;
console.log(`${((Date.now() - began) / 1000).toFixed(0)} s, seed ${seed}`);
console.log(closingLine({ passed: count("passed"), failed: count("failed"), skipped: count("skipped") }));
process.exit(count("failed") > 0 ? 1 : 0);
