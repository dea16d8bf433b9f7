// npm run dev: Postgres, the console and a worker from source; both start again or reload when a file changes.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { startAnneal } from "../apps/worker/src/supervisor/start.ts";

const root = join(import.meta.dirname, "..");
const home = process.env.ANNEAL_HOME ?? join(root, ".anneal");
const port = Number(process.env.ANNEAL_PORT ?? 3210);
process.umask(0o077);

const base = await startAnneal({
  home,
  port,
  databaseUrl: process.env.DATABASE_URL ?? null,
  web: false,
  worker: false,
  say: console.log,
});
const env = {
  ...process.env,
  ANNEAL_HOME: home,
  ANNEAL_PORT: String(port),
  ANNEAL_MODEL_DIRS: process.env.ANNEAL_MODEL_DIRS ?? `${join(home, "models")}:${join(root, "demo/base")}`,
  DATABASE_URL: base.databaseUrl(),
  NEXT_TELEMETRY_DISABLED: "1",
};
const start = (args: string[], cwd: string): ChildProcess =>
  spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
const bin = (path: string) => join(root, "node_modules", path);
const children = [
  start([bin("next/dist/bin/next"), "dev", "--hostname", "127.0.0.1", "--port", String(port)], join(root, "apps/web")),
  start([bin("tsx/dist/cli.mjs"), "watch", "--clear-screen=false", join(root, "apps/worker/src/main.ts")], root),
];
console.log(`\n  Console and worker from source: ${base.url}    Ctrl-C stops everything`);
if (base.setupLink) console.log(`  Make the first administrator: ${base.setupLink}\n`);

let ending = false;
async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await Promise.all(
    children.map((child) => {
      const ended = child.exitCode !== null ? null : new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      return ended;
    }),
  );
  await base.stop();
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void end(0));
for (const child of children) child.once("exit", (code) => void end(code ?? 1));
