import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunSpecInput } from "@anneal/contracts";
import { createOllamaClient } from "../../apps/worker/src/ollama-port.ts";
import { SupervisedPostgres } from "../../apps/worker/src/supervisor/postgres.ts";
import { type RunningAnneal, startAnneal } from "../../apps/worker/src/supervisor/start.ts";
import { startOllamaStandin } from "../support/ollama-standin/index.ts";
import type { RunFacts } from "../support/run-record.ts";
import { workerBundle } from "../support/worker-bundle.ts";
import { hasEnded, type Lab, openLab } from "../support/worker-lab.ts";
import { chaosName, type Reference, referenceOf } from "./verify.ts";

// 77 training rows in steps of 8: ten steps an epoch. Progress is told once a second, so a run that is to be caught in the
// middle must take some, on a fast machine too.
export const chaosSpec: Partial<RunSpecInput> = {
  epochs: 40,
  evaluation: { heldOutFraction: 0.2, everySteps: 40, maxRows: 8, maxNewTokens: 6 },
  checkpoints: { everySteps: 20, keepLast: 2, keepBest: true },
  publish: { name: chaosName },
};
export const facts: RunFacts = { steps: 400, evaluateEvery: 40 };
export const ended = hasEnded("succeeded", "failed", "cancelled");

export interface Stage {
  lab: Lab;
  anneal(): RunningAnneal;
  ollamaNames(): Promise<string[]>;
  undisturbed(): Promise<{ reference: Reference; seconds: number }>;
  /** Worker and Postgres under the supervisor give way to a plain Postgres; workers are then started by hand. */
  stopSupervisor(): Promise<void>;
  close(options: { keep: boolean }): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/** A product of its own in a temporary home: Postgres and worker under the supervisor, a stand-in for Ollama. */
export async function openStage(fence: "on" | "off"): Promise<Stage> {
  const home = mkdtempSync(join(tmpdir(), "anneal-chaos-"));
  const ollama = await startOllamaStandin({ models: join(home, "ollama") });
  const env = {
    OLLAMA_HOST: ollama.url,
    ANNEAL_LEASE_SECONDS: "3",
    ANNEAL_MODEL_DIRS: join(home, "models"),
    ANNEAL_TEST_FENCE: fence,
    // Random kills come faster than a run gets on; giving up is not what is looked at here.
    ANNEAL_MAX_STALLED_ATTEMPTS: "1000",
    ANNEAL_RETRY_SECONDS: "0",
  };
  let anneal: RunningAnneal | null = await startAnneal({
    home,
    port: await freePort(), // of the console, which is not started
    databaseUrl: null,
    web: false,
    workerEntry: workerBundle().worker,
    longestPauseSeconds: 0.5,
    env,
  });
  let postgres: SupervisedPostgres | null = null;
  const lab = await openLab({ databaseUrl: anneal.databaseUrl(), home, env });
  const client = createOllamaClient(ollama.url);
  return {
    lab,
    anneal() {
      if (!anneal) throw new Error("the supervisor has been stopped");
      return anneal;
    },
    ollamaNames: async () => (await client.tags()).map(({ name }) => name),
    async undisturbed() {
      const began = Date.now();
      const { id } = await lab.createRun(chaosSpec);
      const run = await lab.until(id, "ended", ended, 180);
      if (run.status !== "succeeded" || run.deployments[0]?.status !== "live")
        throw new Error(
          `the undisturbed run ${run.status}: ${JSON.stringify(run.problem ?? run.deployments[0]?.problem)}\n${lab.logs()}`,
        );
      return { reference: await referenceOf(lab, run), seconds: (Date.now() - began) / 1000 };
    },
    async stopSupervisor() {
      await anneal?.stop();
      anneal = null;
      postgres = await SupervisedPostgres.start({ home, say: () => undefined, onNewUrl: () => undefined });
    },
    async close({ keep }) {
      await lab.close();
      await anneal?.stop();
      await postgres?.stop();
      await ollama.stop();
      if (keep) console.log(`kept: ${home}`);
      else rmSync(home, { recursive: true, force: true });
    },
  };
}
