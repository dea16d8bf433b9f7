import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDatabase, migrate } from "@anneal/db";
import { system } from "@anneal/services";
import { childEnv } from "../env.ts";
import { SupervisedChild } from "./child.ts";
import { lockHome, pidFileOf } from "./home-lock.ts";
import { endLeftovers, removePids, writePids } from "./pid-file.ts";
import { SupervisedPostgres } from "./postgres.ts";

export interface AnnealOptions {
  home: string;
  port: number;
  host?: string; // to listen on; 127.0.0.1 unless told otherwise
  publicUrl?: string | null; // what browsers see, behind a proxy
  databaseUrl: string | null; // null: the embedded Postgres
  web?: boolean; // false: no console (tests)
  worker?: boolean;
  postgresSettings?: string[];
  workerEntry?: string; // a bundle that lies elsewhere
  longestPauseSeconds?: number; // between the restarts of what keeps dying
  env?: Record<string, string>; // for web and worker
  say?: (line: string) => void;
}

export interface RunningAnneal {
  url: string;
  databaseUrl(): string;
  /** Where the first administrator is made; null once there is one. */
  setupLink: string | null;
  pids(): { web: number | null; worker: number | null; postgres: number | null };
  stop(): Promise<void>;
  /** Without waiting and saving. */
  kill(): void;
}

const webGraceSeconds = 4;
const here = dirname(fileURLToPath(import.meta.url));
// Sources lie in apps/worker/src/supervisor, the bundle in apps/worker/dist.
const isBundle = existsSync(join(here, "worker.mjs"));
const appsFolder = isBundle ? join(here, "../..") : join(here, "../../..");

function workerArgs(entry = join(here, "worker.mjs")): string[] {
  return existsSync(entry)
    ? ["--enable-source-maps", entry]
    : ["--import", "tsx", join(appsFolder, "worker/src/main.ts")];
}

function webArgs(host: string, port: number): { args: string[]; cwd: string } {
  const cwd = join(appsFolder, "web");
  if (!existsSync(join(cwd, ".next/BUILD_ID")))
    throw new Error(`the console is not built (${cwd}/.next). Run ./anneal setup first.`);
  return { args: [join(cwd, "dist/console.mjs"), host, String(port)], cwd };
}

async function waitForAnswer(url: string, seconds: number, logFile: string): Promise<void> {
  const end = Date.now() + seconds * 1000;
  let last = "no answer";
  while (Date.now() < end) {
    try {
      const reply = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5000) });
      if (reply.ok) return;
      last = `HTTP ${reply.status}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the console does not answer at ${url} after ${seconds} s (${last}). Its log: ${logFile}`);
}

/** Postgres, schema, console and worker, in this order; each is started again when it dies, until `stop`. */
export async function startAnneal(options: AnnealOptions): Promise<RunningAnneal> {
  const { home, port, host = "127.0.0.1", say = () => undefined, longestPauseSeconds = 10 } = options;
  mkdirSync(join(home, "logs"), { recursive: true, mode: 0o700 });
  const url = `http://${host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host}:${port}`;
  const lock = await lockHome(home);
  const pidFile = pidFileOf(home);
  endLeftovers(pidFile);

  const children: { name: string; marker: string; child: SupervisedChild }[] = [];
  const tellPids = () => {
    const living = children.flatMap(({ marker, child }) => (child.pid === null ? [] : [{ pid: child.pid, marker }]));
    writePids(pidFile, url, living);
  };
  tellPids();
  let postgres: SupervisedPostgres | null = null;
  const stop = async () => {
    // Before the database: the worker saves its run and hands it back. The console has nothing to save.
    await Promise.all(children.map(({ name, child }) => child.stop(name === "web" ? webGraceSeconds : 90)));
    await postgres?.stop();
    removePids(pidFile);
    lock.release();
  };
  try {
    if (options.databaseUrl === null)
      postgres = await SupervisedPostgres.start({
        home,
        settings: options.postgresSettings,
        say,
        onNewUrl: () => children.forEach(({ child }) => void child.restart()),
      });
    const databaseUrl = () => postgres?.url ?? options.databaseUrl ?? "";
    // A database of one's own has one role, which makes the schema too.
    if (postgres) await postgres.prepare();
    else await migrate(databaseUrl());

    const env = () =>
      childEnv({ ...options.env, ANNEAL_HOME: home, ANNEAL_PORT: String(port), DATABASE_URL: databaseUrl() });
    const add = (name: string, args: string[], cwd: string) => {
      const logFile = join(home, "logs", `${name}.log`);
      const child = new SupervisedChild({ name, args, cwd, logFile, env, longestPauseSeconds }, say, tellPids);
      children.push({ name, marker: args.find((arg) => arg.startsWith("/")) ?? name, child });
      child.start();
      return logFile;
    };
    let webLog: string | null = null;
    if (options.web !== false) {
      const { args, cwd } = webArgs(host, port);
      webLog = add("web", args, cwd);
    }
    if (options.worker !== false) add("worker", workerArgs(options.workerEntry), join(appsFolder, ".."));
    const setupLink = await issueSetupLink(databaseUrl(), options.publicUrl ?? url);
    if (webLog) await waitForAnswer(url, 90, webLog);
    const pidOf = (name: string) => children.find((one) => one.name === name)?.child.pid ?? null;
    return {
      url,
      databaseUrl,
      setupLink,
      pids: () => ({ web: pidOf("web"), worker: pidOf("worker"), postgres: postgres?.pid ?? null }),
      stop,
      kill() {
        for (const { child } of children) child.kill();
        postgres?.kill();
        removePids(pidFile);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function issueSetupLink(databaseUrl: string, url: string): Promise<string | null> {
  const db = createDatabase(databaseUrl, { maxConnections: 1, applicationName: "anneal-setup" });
  try {
    const token = await system.issueSetupToken({ db, now: () => new Date() });
    return token ? `${url.replace(/\/+$/, "")}/setup?token=${token}` : null;
  } finally {
    await db.close();
  }
}
