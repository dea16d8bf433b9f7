// A home with a tiny model and dataset, services to give orders with, and worker processes to carry them out.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultProjectId, type RunDetail, RunSpec, type RunSpecInput, type RunStatus } from "@anneal/contracts";
import { channels, createDatabase, createListener } from "@anneal/db";
import * as engine from "@anneal/engine";
import { datasets, runs, type ServiceContext, storage, systemActor, type WorkContext } from "@anneal/services";
import { workHere } from "@anneal/services/worker";
import { createTextHost } from "@anneal/text";
import { isDatabaseAway } from "../../apps/worker/src/database-retry.ts";
import { createOllamaClient, createOllamaPort } from "../../apps/worker/src/ollama-port.ts";
import { startQueue } from "../../apps/worker/src/queue.ts";
import { tinyRows, tinyShape, writeTinyModel } from "./model-files/tiny-model.ts";
import { repoRoot } from "./paths.ts";
import { testKeys } from "./s3-server.ts";
import { textThread } from "./text-thread.ts";
import { workerBundle } from "./worker-bundle.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface LabOptions {
  databaseUrl: string;
  home?: string;
  rows?: number;
  env?: Record<string, string>;
  existing?: { datasetVersion: string }; // a home that holds model and data already
}

export interface Lab {
  home: string;
  ctx: WorkContext;
  model: string;
  datasetVersion: string;
  startWorker(env?: Record<string, string>): ChildProcess;
  createRun(spec?: Partial<RunSpecInput>, idempotencyKey?: string): Promise<RunDetail>;
  /** Resolves when the run's row satisfies the condition; woken by notifications, with a deadline. */
  until(runId: string, what: string, condition: (run: RunDetail) => boolean, seconds?: number): Promise<RunDetail>;
  logs(): string;
  close(): Promise<void>;
}

/** Ends a process and waits until it is gone. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  await gone;
}

/** The trainer child of a worker, or null while it has none. */
export function trainerOf(workerPid: number): number | null {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (parent !== workerPid) continue;
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").includes("trainer.mjs")) return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  return null;
}

/** The SHA-256 of a run's trained state, as its trainer told it. */
export async function trainedDigests(ctx: ServiceContext, runId: string): Promise<string[]> {
  const told = await runs.events(ctx, { runId, types: ["trained"] });
  return told.flatMap(({ body }) => (body.type === "trained" ? [body.digest] : []));
}

async function importedVersion(ctx: ServiceContext, path: string): Promise<string> {
  const upload = await datasets.importPath(ctx, { path });
  const dataset = await datasets.commit(ctx, { uploadId: upload.uploadId, name: "colours" });
  const version = dataset.versions.at(-1);
  if (!version) throw new Error("the dataset has no version");
  return version.id;
}

export async function openLab(options: LabOptions): Promise<Lab> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), "anneal-lab-"));
  const model = join(home, "models/tiny");
  const dataFile = join(home, "incoming/colours.jsonl");
  if (!options.existing) {
    mkdirSync(model, { recursive: true });
    writeTinyModel(model, tinyShape);
    mkdirSync(join(home, "incoming"), { recursive: true });
    writeFileSync(dataFile, tinyRows(options.rows ?? 96));
  }

  const everywhere = createDatabase(options.databaseUrl, { applicationName: "anneal-lab" });
  const db = everywhere.inProject(defaultProjectId);
  const listener = createListener(options.databaseUrl);
  const queue = await startQueue({ databaseUrl: options.databaseUrl, log: quiet, consume: false });
  const text = createTextHost({ program: await textThread() });
  const folder = (name: string) => {
    mkdirSync(join(home, name), { recursive: true });
    return join(home, name);
  };
  const own = {
    db,
    projectId: defaultProjectId,
    now: () => new Date(),
    queue,
    listener,
    engine: { ...engine, probeSpeed: undefined },
    text,
    ollama: createOllamaPort(createOllamaClient(options.env?.OLLAMA_HOST ?? "127.0.0.1:9"), join(home, "ollama-store")),
    paths: {
      home,
      runs: folder("runs"),
      datasets: folder("datasets"),
      shards: folder("shards"),
      uploads: folder("uploads"),
      ollamaModels: join(home, "ollama-store"),
      modelDirectories: [join(home, "models")],
      dataDirectories: [join(home, "incoming")],
    },
    files: storage.openFiles({
      home,
      location: options.env?.ANNEAL_STORE ?? null,
      keys: testKeys,
      cacheBytes: 1e9,
      verify: true,
    }),
    log: quiet,
  };
  const ctx: WorkContext = { ...own, actor: systemActor, work: workHere(own) };
  const datasetVersion = options.existing?.datasetVersion ?? (await importedVersion(ctx, dataFile));

  const workers: ChildProcess[] = [];
  const logFile = join(home, "worker.log");
  return {
    home,
    ctx,
    model,
    datasetVersion,
    startWorker(env = {}) {
      const log = openSync(logFile, "a");
      const child = spawn(process.execPath, ["--enable-source-maps", workerBundle().worker], {
        cwd: repoRoot,
        stdio: ["ignore", log, log],
        env: {
          ...process.env,
          ANNEAL_HOME: home,
          DATABASE_URL: options.databaseUrl,
          ANNEAL_LEASE_SECONDS: "3",
          OLLAMA_HOST: "http://127.0.0.1:9",
          ANNEAL_MODEL_DIRS: join(home, "models"),
          ...options.env,
          ...env,
        },
      });
      closeSync(log);
      workers.push(child);
      return child;
    },
    async createRun(spec = {}, idempotencyKey) {
      return runs.create(ctx, { spec: RunSpec.parse({ ...tinySpec(model, datasetVersion), ...spec }), idempotencyKey });
    },
    async until(runId, what, condition, seconds = 60) {
      const end = Date.now() + seconds * 1000;
      let wake: () => void = () => undefined;
      const unsubscribe = listener.subscribe(channels.run, () => wake());
      try {
        for (;;) {
          // The database may be away for a moment: it is killed on purpose.
          const run = await runs.get(ctx, { runId }).catch((error: unknown) => {
            if (!isDatabaseAway(error)) throw error;
            return null;
          });
          if (run && condition(run)) return run;
          if (Date.now() > end)
            throw new Error(
              `run is ${run?.status} at ${JSON.stringify(run?.progress)} instead of ${what} after ${seconds} s\n${readTail(logFile)}\n${readTail(join(home, "runs", runId, "trainer.log"))}`,
            );
          await new Promise<void>((resolve) => {
            wake = resolve;
            setTimeout(resolve, 1000);
          });
        }
      } finally {
        unsubscribe();
      }
    },
    logs: () => readTail(logFile),
    async close() {
      for (const worker of workers) await endProcess(worker, "SIGKILL");
      await text.close();
      await queue.stop();
      await listener.close();
      await everywhere.close();
      if (!options.home) rmSync(home, { recursive: true, force: true });
    },
  };
}

function readTail(path: string): string {
  try {
    return readFileSync(path, "utf8").slice(-4000);
  } catch {
    return `(no ${path})`;
  }
}

/** An artifact's file in the lab's home. */
export const artifactFile = (lab: Lab, artifact: RunDetail["artifacts"][number] | null | undefined): string =>
  artifact ? join(lab.home, "runs", artifact.runId ?? "", artifact.file) : "";

export const hasEnded =
  (...statuses: RunStatus[]) =>
  (run: RunDetail): boolean =>
    statuses.includes(run.status);

/** Many short steps with evaluations and checkpoints between them. */
export const tinySpec = (base: string, dataset: string): RunSpecInput => ({
  name: "tiny",
  base,
  dataset,
  method: { kind: "lora", rank: 4, alpha: 8, targets: ["q_proj", "v_proj", "down_proj"] },
  precision: "f32",
  learningRate: 3e-3,
  schedule: { kind: "cosine", warmupSteps: 4 },
  epochs: 4,
  batchRows: 8,
  microBatchTokens: 256,
  maxSequenceTokens: 128,
  threads: 1,
  seed: 7,
  evaluation: { heldOutFraction: 0.2, everySteps: 8, maxRows: 8, maxNewTokens: 6 },
  checkpoints: { everySteps: 5, keepLast: 2, keepBest: true },
  samples: { maxNewTokens: 6 },
  export: { gguf: ["Q8_0"], merged: true },
});
