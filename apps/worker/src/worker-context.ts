import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDatabase, createListener } from "@anneal/db";
import type { OllamaClient } from "@anneal/ollama";
import { createAsking, homeId, type Log, openAuditKey, storage, systemActor, type WorkContext } from "@anneal/services";
import { workHere } from "@anneal/services/worker";
import { createTextHost } from "@anneal/text";
import type { Env } from "./env.ts";
import { createOllamaClient, createOllamaPort } from "./ollama-port.ts";
import { type BossQueue, startQueue } from "./queue.ts";
import { untilReached } from "./run-directory/keep-files.ts";
import { createEnginePort } from "./work/engine-port.ts";

export interface WorkerContext {
  env: Env;
  log: Log;
  services: WorkContext;
  queue: BossQueue;
  ollama: OllamaClient;
  /** Aborted when the worker must leave: save, hand back, go. */
  leaving: AbortSignal;
  workerId: string;
  /** What the home is known by: the runs' folders on this machine. */
  home: string;
  /** What the store is known by; runs of another store are not taken. */
  store: string;
  /** The run this worker is at, for its row. */
  current: { runId: string | null };
  close(): Promise<void>;
}

/** How this worker claims jobs of any kind. */
export const claimOptions = ({ env, workerId }: Pick<WorkerContext, "env" | "workerId">) => ({
  workerId,
  leaseSeconds: env.leaseSeconds,
  retry: env.retry,
  fenced: env.fenced,
});

/** Everything a worker holds open, made once. Fails when the database cannot be reached or refuses us. */
export async function openContext(env: Env, log: Log, leaving: AbortSignal): Promise<Omit<WorkerContext, "workerId">> {
  if (!env.databaseUrl)
    throw new Error("DATABASE_URL: is not set. Start the worker with ./anneal up, or name the database.");
  openAuditKey(env.home, { make: false }); // before anything is told
  const db = createDatabase(env.databaseUrl, {
    applicationName: "anneal-worker",
    // A worker that was stopped inside a transaction must not keep its successor out much longer than its lease.
    idleInTransactionSeconds: Math.max(5, env.leaseSeconds),
    onIdleError: (error) => log.warn({ error: error.message }, "a database connection broke"),
  });
  const files = storage.openFiles({ home: env.home, ...env.store });
  const store = await untilReached(() => files.store.id(), { log, what: "start", signal: leaving });
  const listener = createListener(env.databaseUrl);
  const queue = await startQueue({ databaseUrl: env.databaseUrl, log, consume: true });
  const ollama = createOllamaClient(env.ollamaHost);
  // Run from its sources, the worker takes the programs it starts from the last build.
  const here = dirname(fileURLToPath(import.meta.url));
  const bundles = existsSync(join(here, "text-thread.mjs")) ? here : join(here, "../dist");
  const text = createTextHost({ program: env.textThread ?? join(bundles, "text-thread.mjs") });
  const own = {
    db,
    projectId: null,
    now: () => new Date(),
    queue,
    listener,
    engine: createEnginePort(env.engineAddon, env.speedProbe ?? join(bundles, "speed-probe.mjs")),
    ollama: createOllamaPort(ollama, env.paths.ollamaModels),
    text,
    paths: env.paths,
    files,
    log,
  };
  const asking = createAsking({ db, listener });
  return {
    env,
    log,
    queue,
    ollama,
    leaving,
    home: homeId(env.home),
    store,
    current: { runId: null },
    services: { ...own, actor: systemActor, work: workHere(own, { roles: env.roles, port: asking }) },
    async close() {
      asking.close();
      await text.close();
      await queue.stop();
      await listener.close();
      await db.close();
    },
  };
}
