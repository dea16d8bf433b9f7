import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import pg from "pg";
import { chooseAccount } from "./embedded/account.ts";
import { findBinaries } from "./embedded/binaries.ts";
import { initialise, type Programs, superuser } from "./embedded/initialise.ts";
import { isAlive, isPostgresOf, waitUntil } from "./embedded/processes.ts";
import { folderName, reachablePrograms } from "./embedded/reach.ts";
import { type Role, roles } from "./embedded/roles.ts";
import { withStartLock } from "./embedded/start-lock.ts";

export { type FileLock, tryLockFolder } from "./embedded/file-lock.ts";
export { grantToApp, makeRoles, type Role, roles } from "./embedded/roles.ts";

export interface EmbeddedOptions {
  /** The cluster's folder; its password and port lie beside it in DATADIR.json (mode 600). */
  dataDir: string;
  /** Wished port; without one, the last one used, else a free one. */
  port?: number;
  logFile?: string;
  /** name=value settings of postgresql.conf, e.g. fsync=off for tests. */
  settings?: string[];
}

export interface EmbeddedPostgres {
  pid: number;
  port: number;
  /** false: a running server was found and is shared. */
  started: boolean;
  /** The superuser's, to make databases and roles with; whoever serves people uses roleUrl("app"). */
  url(database?: string): string;
  roleUrl(role: Role): string;
  passwords: Record<Role, string>;
  isAlive(): boolean;
  /** Fast shutdown: open transactions are rolled back, everything committed is on the disk. */
  stop(): Promise<void>;
}

interface Secret {
  port: number;
  password: string; // the superuser's
  roles: Record<Role, string>;
}
const defaultDatabase = "anneal";

async function freePort(wished: number | undefined): Promise<number> {
  const probe = (port: number) =>
    new Promise<number | null>((done) => {
      const server = createServer();
      server.once("error", () => done(null));
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => done(typeof address === "object" && address ? address.port : null));
      });
    });
  const port = (wished ? await probe(wished) : null) ?? (await probe(0));
  if (port === null) throw new Error("no free port on 127.0.0.1 for Postgres");
  return port;
}

const newPassword = () => randomBytes(24).toString("hex");
const newPasswords = () => ({ owner: newPassword(), app: newPassword() });

function readSecret(path: string): Secret | null {
  if (!existsSync(path)) return null;
  const secret = JSON.parse(readFileSync(path, "utf8")) as Omit<Secret, "roles"> & Partial<Pick<Secret, "roles">>;
  return { ...secret, roles: secret.roles ?? newPasswords() }; // a home of an older Anneal has the superuser alone
}

async function writeSecret(path: string, secret: Secret): Promise<void> {
  const fresh = `${path}.${process.pid}.tmp`;
  await writeFile(fresh, JSON.stringify(secret), { mode: 0o600 });
  await rename(fresh, path);
}

function pidOf(dataDir: string): number | null {
  try {
    return Number(readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")[0]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const urlOf = (secret: Secret, database: string, user: string = superuser, password = secret.password) =>
  `postgres://${user}:${password}@127.0.0.1:${secret.port}/${database}`;

async function answers(secret: Secret): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(secret, "postgres"), connectionTimeoutMillis: 2000 });
  client.on("error", () => undefined); // a server that goes away while asked is one that does not answer
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function answersWhileAlive(pid: number, dataDir: string, secret: Secret): Promise<boolean> {
  let answered = false;
  await waitUntil(async () => {
    if (!isPostgresOf(pid, dataDir)) return true;
    answered = await answers(secret);
    return answered;
  }, 10);
  return answered;
}

async function ensureDatabase(secret: Secret): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(secret, "postgres") });
  await client.connect();
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [defaultDatabase]);
    if (!rowCount) await client.query(`create database ${defaultDatabase}`);
  } finally {
    await client.end();
  }
}

async function startServer(dataDir: string, { postgres, account }: Programs, secret: Secret, o: EmbeddedOptions) {
  const settings = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=80",
    "shared_buffers=64MB",
    "logging_collector=off",
    "log_checkpoints=off",
    ...(o.settings ?? []),
  ].flatMap((setting) => ["-c", setting]);
  const folder = await folderName(dataDir, account);
  // The name by which processes.ts knows it again, where its folder has none for it.
  const mark = ["-c", `anneal.folder=${dataDir}`];
  const log = o.logFile ? openSync(o.logFile, "a", 0o600) : "ignore";
  // A session of its own: Ctrl-C in the terminal ends Postgres only after its users, by stop().
  const child = spawn(postgres, ["-D", folder, "-p", String(secret.port), ...mark, ...settings], {
    uid: account?.uid,
    gid: account?.gid,
    stdio: ["ignore", log, log],
    detached: true,
    cwd: dataDir,
  });
  child.unref();
  let ended: string | null = null;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended ??= `it ended with ${code ?? signal}`));
  const up = await waitUntil(async () => ended !== null || (await answers(secret)), 60);
  return ended === null && up ? null : (ended ?? "it does not answer after a minute");
}

/** Starts the cluster (made when new), or finds the one that runs. Safe for several starters at once and after kill -9. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const secretFile = `${dataDir}.json`;
  await mkdir(dirname(dataDir), { recursive: true });
  return withStartLock(`${dataDir}.lock`, async () => {
    const known = readSecret(secretFile);
    const running = pidOf(dataDir);
    let started = false;
    let secret = known;
    if (!(known && running && (await answersWhileAlive(running, dataDir, known)))) {
      const account = chooseAccount();
      const programs = { ...(await reachablePrograms(await findBinaries(), account)), account };
      if (running && !isPostgresOf(running, dataDir)) await rm(join(dataDir, "postmaster.pid"), { force: true });
      if (!existsSync(join(dataDir, "PG_VERSION"))) {
        secret = { port: 0, password: newPassword(), roles: newPasswords() };
        await writeSecret(secretFile, secret);
        await initialise(dataDir, programs, secret.password);
      }
      if (!secret)
        throw new Error(`${secretFile} is gone, and with it the password of ${dataDir}; put it back, or remove both`);
      await chmod(secretFile, 0o600);
      secret = { ...secret, port: await freePort(options.port ?? (secret.port || undefined)) };
      await writeSecret(secretFile, secret);
      // Backends of a killed server hold its shared memory for a moment; Postgres refuses to start until they are gone.
      let failure: string | null = null;
      for (let attempt = 0; attempt < 20; attempt++) {
        failure = await startServer(dataDir, programs, secret, options);
        if (failure === null) break;
        await new Promise((next) => setTimeout(next, 250));
      }
      if (failure !== null)
        throw new Error(`Postgres in ${dataDir} does not start: ${failure}. See ${options.logFile ?? "its log"}.`);
      started = true;
      await ensureDatabase(secret);
    }
    if (secret && !started) await writeSecret(secretFile, secret); // the passwords of roles that it may have lacked
    const pid = pidOf(dataDir);
    if (!secret || !pid) throw new Error(`Postgres in ${dataDir} ended while it was starting`);
    const live = secret;
    return {
      pid,
      port: live.port,
      started,
      url: (database = defaultDatabase) => urlOf(live, database),
      roleUrl: (role) => urlOf(live, defaultDatabase, roles[role], live.roles[role]),
      passwords: live.roles,
      isAlive: () => isAlive(pid),
      async stop() {
        if (!isPostgresOf(pid, dataDir)) return;
        process.kill(pid, "SIGINT");
        if (!(await waitUntil(() => !isAlive(pid), 30))) process.kill(pid, "SIGQUIT");
      },
    };
  });
}
