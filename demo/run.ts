// ./anneal demo: a whole fine-tune of the small model that comes along, from data to a finished model, in this terminal.
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunDetail } from "@anneal/contracts";
import type { RunningAnneal, startAnneal } from "../apps/worker/src/supervisor/start.ts";
import { exitCodes } from "../packages/sdk/src/cli/exit-codes.ts";
import { RunView } from "../packages/sdk/src/cli/run-view.ts";
import { runSummary } from "../packages/sdk/src/cli/summary.ts";
import { duration } from "../packages/sdk/src/cli/terminal.ts";
import {
  type AnnealClient,
  type Connection,
  createAnnealClient,
  findConnection,
  problemOf,
  uploadDataset,
  watchRun,
} from "../packages/sdk/src/index.ts";
import { demoFiles, demoModelName, demoSpec } from "./spec.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const home = process.env.ANNEAL_HOME || join(root, ".anneal");
const keep = process.argv.includes("--keep");

if (process.argv.includes("--help")) {
  console.log(`Usage: ./anneal demo [--keep]

Fine-tunes the small model in demo/base on the bank questions in demo/data and shows what came of it. It starts what it
needs and stops it at the end; --keep leaves console and worker running until Ctrl-C. Published to Ollama where
OLLAMA_HOST answers.`);
  process.exit(0);
}

const asTyped = (path: string) =>
  relative(process.cwd(), path).startsWith("..") ? path : relative(process.cwd(), path);

async function portFrom(first: number): Promise<number> {
  for (let port = first; port < first + 50; port++) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error(`no free port from ${first} on; set ANNEAL_PORT`);
}

/** The server of this home, if one answers with its token. */
async function answering(url: string | null): Promise<{ connection: Connection; client: AnnealClient } | null> {
  try {
    const connection = findConnection({ ANNEAL_HOME: home }, root);
    if (url && connection.url !== url) return null; // left by an earlier start
    const client = createAnnealClient(connection);
    await client.system.status.query();
    return { connection, client };
  } catch {
    return null; // not there (yet)
  }
}

async function start(): Promise<RunningAnneal> {
  const program = join(root, "apps/worker/dist/start.mjs");
  const supervisor = (await import(program)) as { startAnneal: typeof startAnneal };
  return supervisor.startAnneal({
    home,
    port: await portFrom(Number(process.env.ANNEAL_PORT ?? 3210)),
    databaseUrl: process.env.DATABASE_URL || null,
    say: (line) => console.error(`  ${line}`),
  });
}

async function untilAnswering(url: string) {
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(100)) {
    const found = await answering(url);
    if (found) return found;
  }
  throw new Error(
    `the console at ${url} wrote no token for the command line; see ${asTyped(join(home, "logs/web.log"))}`,
  );
}

async function upload(
  { connection, client }: { connection: Connection; client: AnnealClient },
  file: string,
  name: string,
) {
  const { uploadId, goodRows } = await uploadDataset(connection, join(here, file));
  const { versions } = await client.datasets.commit.mutate({ uploadId, name });
  const newest = versions.reduce((a, b) => (a.number > b.number ? a : b));
  console.log(`  ${name}: ${goodRows} rows`);
  return newest.id;
}

async function fineTune(at: { connection: Connection; client: AnnealClient }, signal: AbortSignal): Promise<RunDetail> {
  const train = await upload(at, demoFiles.train, "Bank questions (demo)");
  const test = await upload(at, demoFiles.test, "Bank questions held out (demo)");
  const { reachable, host } = await at.client.system.ollama.query();
  if (!reachable) console.log(`  no Ollama at ${host}: the model is kept as a file and can be published later`);
  const spec = demoSpec(join(here, demoFiles.base), train, test, reachable ? demoModelName : undefined);
  const run = await at.client.runs.create.mutate({ spec });
  const view = new RunView();
  try {
    for await (const event of watchRun(at.client, run.id, { signal })) view.show(event);
  } finally {
    view.close();
  }
  return at.client.runs.get.query({ runId: run.id });
}

const began = Date.now();
const leave = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => leave.abort());
let own: RunningAnneal | null = null;

async function demo(): Promise<number> {
  if (!existsSync(join(here, demoFiles.base)))
    throw new Error(`the demo's base model ${demoFiles.base} is missing; make it again: npm run demo-base`);
  let at = await answering(null);
  if (at) console.log(`Using the Anneal that runs at ${at.connection.url}`);
  else {
    console.log("Starting Postgres, console and worker");
    own = await start();
    at = await untilAnswering(own.url);
  }
  console.log(`Fine-tuning; watch it in the browser, too: ${own?.setupLink ?? at.connection.url}`);
  const run = await fineTune(at, leave.signal);
  if (leave.signal.aborted) {
    console.log("\nStopped; the run goes on at the next ./anneal up");
    return exitCodes.detached;
  }
  console.log(`\n${runSummary(run, at.connection.url)}`);
  if (own?.setupLink) console.log(`  setup      ${own.setupLink}  (makes the administrator; works once)`);
  console.log(`\nDone in ${duration((Date.now() - began) / 1000)}.`);
  if (own && keep) {
    console.log("Console and worker keep running; Ctrl-C stops them.");
    await new Promise<void>((resolve) => leave.signal.addEventListener("abort", () => resolve()));
  } else if (own) console.log("Start the console again with ./anneal up.");
  return run.status === "succeeded" ? exitCodes.ok : exitCodes.runFailed;
}

try {
  process.exitCode = await demo();
} catch (error) {
  const { message, remedy } = problemOf(error);
  console.error(`anneal: ${message}${remedy ? `\n  remedy: ${remedy}` : ""}`);
  process.exitCode = exitCodes.unexpected;
} finally {
  await (own as RunningAnneal | null)?.stop();
}
process.exit();
