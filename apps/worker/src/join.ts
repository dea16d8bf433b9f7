import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { annealVersion, Problem, WorkerRole, workerProtocolVersion } from "@anneal/contracts";
import { z } from "zod";
import { childEnv, labelsOf, readEnv } from "./env.ts";

// ./anneal worker: this machine works for a console elsewhere.
const usage = `Usage: ./anneal worker --join URL [--token TOKEN] [--roles train,data,serve] [--labels gpu=a100,rack=3] [--name NAME]

Makes this machine a worker of the console at URL. The token is made there by an administrator (./anneal workers invite); it
works once, and is taken from ANNEAL_JOIN_TOKEN where --token is left out. A machine that has joined needs none: its way to the
database lies in worker.json of ANNEAL_HOME. Ctrl-C hands back what it is at.`;

const Settings = z.object({ url: z.url(), databaseUrl: z.url() });
type Settings = z.infer<typeof Settings>;

function fail(message: string, remedy?: string): never {
  console.error(`anneal: ${message}`);
  if (remedy) console.error(`  remedy: ${remedy}`);
  process.exit(1);
}

function flags() {
  try {
    const text = { type: "string" } as const;
    return parseArgs({
      options: { join: text, token: text, roles: text, labels: text, name: text, help: { type: "boolean" } },
    }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), "see ./anneal worker --help");
  }
}

async function askConsole(url: string, token: string, name: string): Promise<Settings> {
  const response = await fetch(new URL("/api/workers/join", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, name, version: annealVersion, protocol: workerProtocolVersion }),
    signal: AbortSignal.timeout(30_000),
  }).catch((error: unknown) =>
    fail(
      `${url} does not answer (${error instanceof Error ? error.message : error})`,
      "check the address and the network",
    ),
  );
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return Settings.parse({ ...(answer as object), url });
  const refused = z.object({ problem: Problem }).safeParse(answer);
  if (!refused.success) return fail(`${url} answered ${response.status}`, "check that the address is Anneal's console");
  return fail(refused.data.problem.message, refused.data.problem.remedy ?? undefined);
}

const given = flags();
if (given.help || !given.join) {
  console.log(usage);
  process.exit(given.help ? 0 : 1);
}
const env = readEnv();
const name = given.name ?? hostname();
const roles = given.roles ?? "train,data,serve";
for (const role of roles.split(","))
  if (!WorkerRole.safeParse(role.trim()).success) fail(`there is no role "${role}"`, "choose among train, data, serve");
try {
  labelsOf(given.labels ?? "");
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
mkdirSync(env.home, { recursive: true, mode: 0o700 });
const file = join(env.home, "worker.json");
const known = existsSync(file) ? Settings.safeParse(JSON.parse(readFileSync(file, "utf8"))).data : undefined;
const token = given.token ?? env.joinToken;
let settings = known?.url === given.join ? known : undefined;
if (token) settings = await askConsole(given.join, token, name);
if (!settings) fail("this machine has not joined yet", "give --token, made by ./anneal workers invite at the console");
writeFileSync(file, `${JSON.stringify(settings)}\n`, { mode: 0o600 });
chmodSync(file, 0o600);

const bundle = resolve(dirname(fileURLToPath(import.meta.url)), "worker.mjs");
const worker = spawn(process.execPath, ["--enable-source-maps", bundle], {
  stdio: "inherit",
  env: childEnv({
    DATABASE_URL: settings.databaseUrl,
    ANNEAL_HOME: env.home,
    ANNEAL_WORKER_NAME: name,
    ANNEAL_WORKER_ROLES: roles,
    ANNEAL_WORKER_LABELS: given.labels ?? "",
  }),
});
console.log(`This machine is the worker ${name} of ${given.join} (${roles}). Ctrl-C hands back what it is at.`);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => worker.kill(signal));
worker.once("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
