// A real console (its built server and app) over a database of its own, with a tiny model and dataset in its home.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { freemem, hostname, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LocalClientFile, localClientFileName, type Permission, type WorkerRole } from "@anneal/contracts";
import { createTestDatabase } from "@anneal/db/testing";
import { homeId, system, tokens, workers } from "@anneal/services";
import { openSecrets } from "../../../apps/web/server/secrets.ts";
import { startAnswering } from "../../../apps/worker/src/work/answering.ts";
import { repoRoot } from "../../support/paths.ts";
import { endProcess, type Lab, openLab } from "../../support/worker-lab.ts";

const webFolder = join(repoRoot, "apps/web");

export interface Site {
  url: string;
  port: number;
  lab: Lab;
  /** The token that the server wrote for the command line of this machine. */
  localToken: string;
  newToken(...permissions: Permission[]): Promise<string>;
  setupToken(): Promise<string>;
  /** Kills the server's process and starts it again on the same port. */
  restart(): Promise<void>;
  /** Asks the server's process to end, as the supervisor does; its exit code. */
  stop(): Promise<number | null>;
  log(): string;
  close(): Promise<void>;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

/** A worker's answers to what the console asks, from this process; it takes no runs. */
async function answerFrom({ ctx }: Lab) {
  const roles: WorkerRole[] = ["train", "data"];
  const state = { freeMemoryBytes: freemem(), diskFreeBytes: 1e12, load: 0, currentRunId: null };
  const facts = { name: "test", host: hostname(), home: homeId(ctx.paths.home), pid: process.pid, roles };
  const workerId = await workers.register(ctx, { ...facts, isa: "?", threads: 2, memoryBytes: totalmem() }, state);
  const beat = setInterval(() => void workers.beat(ctx, workerId, state).catch(() => undefined), 5000);
  const answering = startAnswering({ services: ctx, workerId, roles, leaseSeconds: 20, log: ctx.log });
  return {
    async stop() {
      clearInterval(beat);
      await answering.stop();
    },
  };
}

export async function openSite(env: Record<string, string> = {}): Promise<Site> {
  if (!existsSync(join(webFolder, ".next/BUILD_ID")))
    throw new Error("the console is not built; run ./anneal setup (or npm run build) first");
  const database = await createTestDatabase();
  const lab = await openLab({ databaseUrl: database.url });
  const { hashToken } = openSecrets(lab.home);
  const answering = await answerFrom(lab);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(lab.home, "web.log");
  let child: ChildProcess;

  async function launch(): Promise<void> {
    const log = openSync(logFile, "a");
    child = spawn(process.execPath, [join(webFolder, "dist/console.mjs"), "127.0.0.1", String(port)], {
      cwd: webFolder,
      stdio: ["ignore", log, log],
      env: {
        ...process.env,
        NODE_ENV: "production",
        NEXT_TELEMETRY_DISABLED: "1",
        ANNEAL_HOME: lab.home,
        ANNEAL_PORT: String(port),
        ANNEAL_MODEL_DIRS: join(lab.home, "models"),
        ANNEAL_VALIDATE_OUTPUTS: "on",
        DATABASE_URL: database.url,
        OLLAMA_HOST: "127.0.0.1:9",
        OLLAMA_MODELS: join(lab.home, "ollama-store"),
        ...env,
      },
    });
    closeSync(log);
    await until(async () => (await fetch(`${url}/readyz`).catch(() => null))?.ok === true, "the console answers");
  }
  const log = () => readFileSync(logFile, "utf8").slice(-6000);
  async function until(check: () => Promise<boolean> | boolean, what: string): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; await pause(50)) {
      if (child.exitCode !== null) break;
      if (await check()) return;
    }
    throw new Error(`waited in vain until ${what}\n${log()}`);
  }

  await launch();
  const localFile = join(lab.home, localClientFileName);
  await until(() => existsSync(localFile), "the local token is written");
  const local = LocalClientFile.parse(JSON.parse(readFileSync(localFile, "utf8")));
  return {
    url,
    port,
    lab,
    localToken: local.token,
    newToken: async (...permissions) =>
      (await tokens.create({ ...lab.ctx, hashToken }, { name: "test", permissions, expiresInDays: 1 })).token,
    async setupToken() {
      const token = await system.issueSetupToken(lab.ctx);
      if (!token) throw new Error("there is an administrator already");
      return token;
    },
    async restart() {
      await endProcess(child, "SIGKILL");
      await launch();
    },
    async stop() {
      await endProcess(child, "SIGTERM");
      return child.exitCode;
    },
    log,
    async close() {
      await endProcess(child, "SIGTERM");
      await answering.stop();
      await lab.close();
      await database.drop();
    },
  };
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** One procedure as HTTP, without the typed client: what an attacker can send. */
export async function call(
  site: Pick<Site, "url">,
  path: string,
  options: { kind?: "query" | "mutation" | "subscription"; input?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown; code: string | null }> {
  const { kind = "query", input, headers = {} } = options;
  const leave = new AbortController();
  const query = input === undefined || kind === "mutation" ? "" : `?input=${encodeURIComponent(JSON.stringify(input))}`;
  const response = await fetch(`${site.url}/api/trpc/${path}${query}`, {
    method: kind === "mutation" ? "POST" : "GET",
    headers: { ...headers, ...(kind === "mutation" ? { "content-type": "application/json" } : {}) },
    body: kind === "mutation" ? JSON.stringify(input ?? {}) : undefined,
    signal: leave.signal,
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const body: unknown = isStream ? await firstRefusal(response) : await response.json();
  leave.abort();
  return { status: isStream ? statusIn(body, response.status) : response.status, body, code: problemCode(body) };
}

// A refused subscription is told inside its stream (a browser's EventSource shows no body of another status), as its one event.
async function firstRefusal(response: Response): Promise<unknown> {
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const data = /^event: serialized-error\ndata: (.*)$/m.exec(text)?.[1];
    if (data !== undefined) return JSON.parse(data);
    if (/^id: /m.test(text)) return text; // an event of the run: it was let in
  }
  return text;
}
const statusIn = (body: unknown, status: number) =>
  Number(/"httpStatus":(\d+)/.exec(JSON.stringify(body))?.[1] ?? status);

export function problemCode(body: unknown): string | null {
  const text = JSON.stringify(body) ?? "";
  return /"problem":\{"code":"([A-Z_]+)"/.exec(text)?.[1] ?? null;
}

/** Signs the first administrator in; returns the session's cookie. */
export async function signInFirst(site: Site): Promise<string> {
  const response = await fetch(`${site.url}/api/setup`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: site.url },
    body: JSON.stringify({ token: await site.setupToken(), ...administrator }),
  });
  if (!response.ok) throw new Error(`setup answered ${response.status}: ${await response.text()}`);
  return cookieOf(response);
}

export const administrator = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };

export const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
