import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Actor, defaultProjectId, type Permission } from "@anneal/contracts";
import { createDatabase, createListener, type Database } from "@anneal/db";
import { createTestDatabase } from "@anneal/db/testing";
import * as engine from "@anneal/engine";
import { datasets, type Log, type ServiceContext, storage, systemActor, type WorkContext } from "@anneal/services";
import { workHere } from "@anneal/services/worker";
import { createTextHost } from "@anneal/text";
import { createOllamaPort } from "../../../apps/web/server/ollama-port.ts";
import { startQueue } from "../../../apps/worker/src/queue.ts";
import { tinyRows, writeTinyModel } from "../../support/model-files/tiny-model.ts";
import { textThread } from "../../support/text-thread.ts";

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface World {
  /** As the default project sees it. */
  db: Database;
  /** As a worker sees it: every project. */
  everywhere: Database;
  home: string;
  ctx: WorkContext;
  /** The same world as someone with these permissions alone. */
  as(...permissions: Permission[]): WorkContext;
  model: string; // a tiny model below an allowed folder
  dataFolder: string; // allowed for importPath
  clock: { now: Date };
  close(): Promise<void>;
}

/** The services on a real database with the real queue, engine and Ollama store reader; only the clock is the test's. */
export async function openWorld(): Promise<World> {
  const database = await createTestDatabase();
  const everywhere = createDatabase(database.url, { maxConnections: 20 });
  const db = everywhere.inProject(defaultProjectId);
  const listener = createListener(database.url);
  const home = mkdtempSync(join(tmpdir(), "anneal-services-"));
  const queue = await startQueue({ databaseUrl: database.url, log: silentLog, consume: false });
  const dataFolder = join(home, "data");
  const modelFolder = join(home, "my-models");
  const model = join(modelFolder, "tiny");
  for (const folder of [dataFolder, model, join(home, "ollama")]) mkdirSync(folder, { recursive: true });
  writeTinyModel(model);
  const text = createTextHost({ program: await textThread() });
  const clock = { now: new Date() };
  const admin: Actor = { ...systemActor, kind: "user", id: "u1", name: "Ada" };
  const own = {
    db,
    projectId: defaultProjectId,
    now: () => clock.now,
    queue,
    listener,
    engine,
    text,
    ollama: createOllamaPort("http://127.0.0.1:9", join(home, "ollama")),
    paths: {
      home,
      runs: join(home, "runs"),
      datasets: join(home, "datasets"),
      shards: join(home, "shards"),
      uploads: join(home, "uploads"),
      ollamaModels: join(home, "ollama"),
      modelDirectories: [modelFolder],
      dataDirectories: [dataFolder],
    },
    files: storage.openFiles({ home, location: null, keys: {}, cacheBytes: 1e9, verify: true }),
    log: silentLog,
    hashToken: (token: string) => createHmac("sha256", "secret of the test").update(token).digest("hex"),
  };
  const ctx: WorkContext = { ...own, actor: admin, work: workHere(own) };
  return {
    db,
    everywhere,
    home,
    ctx,
    as: (...permissions) => ({
      ...ctx,
      actor: { kind: "token", id: "01a22d63-0000-7000-8000-0000000000a1", name: "a token", permissions },
    }),
    model,
    dataFolder,
    clock,
    async close() {
      await text.close();
      await queue.stop();
      await listener.close();
      await everywhere.close();
      await database.drop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export async function* bodyOf(...parts: (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** A dataset made the way a person makes one. Returns its newest version's id. */
export async function makeDataset(ctx: ServiceContext, name: string, text = tinyRows(40)): Promise<string> {
  const { uploadId } = await datasets.receiveUpload(ctx, { fileName: `${name}.jsonl`, body: bodyOf(text) });
  const made = await datasets.commit(ctx, { uploadId, name });
  const [version] = made.versions;
  if (!version) throw new Error("no version was made");
  return version.id;
}

export const problemOf = async (promise: Promise<unknown>) => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error && "problem" in error) return (error as { problem: Record<string, unknown> }).problem;
    throw error;
  }
  throw new Error("it was not refused");
};
