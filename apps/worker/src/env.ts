import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { WorkerRole } from "@anneal/contracts";
import { z } from "zod";

// The only reader of process.env in the worker. Everything else gets these values passed in.
const number = (fallback: number, minimum: number) => z.coerce.number().min(minimum).default(fallback);
const list = z
  .string()
  .default("")
  .transform((text) => text.split(":").filter((part) => part !== ""));

/** `gpu=a100,rack=3` as a record. */
export function labelsOf(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^\s*([\w.-]{1,60})=([\w.:-]{1,60})\s*$/.exec(pair) ?? [];
      if (!name || value === undefined)
        throw new Error(`the label "${pair}" is not NAME=VALUE. Write them as gpu=a100,rack=3.`);
      return [name, value];
    }),
  );
}

const Variables = z.object({
  ANNEAL_HOME: z.string().default(join(process.cwd(), ".anneal")),
  DATABASE_URL: z.string().optional(),
  DATABASE_URL_FILE: z.string().optional(),
  ANNEAL_WORKER_NAME: z.string().min(1).max(80).default(hostname()),
  ANNEAL_WORKER_ROLES: z
    .string()
    .default("train,data,serve")
    .transform((text) => text.split(",").map((role) => role.trim()))
    .pipe(z.array(WorkerRole).min(1)),
  ANNEAL_JOIN_TOKEN: z.string().optional(),
  ANNEAL_WORKER_LABELS: z
    .string()
    .default("")
    .transform((text) => labelsOf(text)),
  ANNEAL_LEASE_SECONDS: number(20, 1),
  ANNEAL_SEGMENT_SECONDS: number(6 * 3600, 1),
  ANNEAL_MAX_STALLED_ATTEMPTS: number(3, 1),
  ANNEAL_RETRY_SECONDS: number(5, 0), // after an attempt that broke down without getting any further; then longer and longer
  ANNEAL_HANG_SECONDS: number(120, 1), // at least this long without a sign of life before a trainer is killed
  ANNEAL_HANG_FACTOR: number(20, 2), // and at least this many times what the work has taken so far
  ANNEAL_TEST_FENCE: z.enum(["on", "off"]).default("on"), // off: negative control of the chaos test, never else
  ANNEAL_STORE: z.string().min(1).optional(), // a folder or s3://BUCKET; a folder of the home unless told otherwise
  ANNEAL_CACHE_BYTES: number(50 * 1024 ** 3, 0), // of what is fetched from a store elsewhere
  ANNEAL_TEST_STORE_CHECK: z.enum(["on", "off"]).default("on"), // off: negative control of the store's tests, never else
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_ENDPOINT_URL_S3: z.string().optional(),
  AWS_REGION: z.string().optional(),
  ANNEAL_TRAINER: z.string().optional(),
  ANNEAL_ENGINE_ADDON: z.string().optional(),
  ANNEAL_SPEED_PROBE: z.string().optional(), // the bundle that times a step; tests name another
  ANNEAL_TEXT_THREAD: z.string().optional(), // the bundle that reads tokenizers and chat templates; tests name another
  ANNEAL_MODEL_DIRS: list,
  ANNEAL_DATA_DIRS: list,
  ANNEAL_PORT: number(3210, 1),
  ANNEAL_BIND: z.string().default("127.0.0.1"),
  ANNEAL_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(), // behind a proxy that speaks TLS: what browsers see
  ANNEAL_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  OLLAMA_HOST: z.string().default("http://127.0.0.1:11434"),
  OLLAMA_MODELS: z.string().default(join(homedir(), ".ollama/models")),
});

function databaseUrl(variables: z.infer<typeof Variables>): string | null {
  if (variables.DATABASE_URL) return variables.DATABASE_URL;
  if (variables.DATABASE_URL_FILE) return readFileSync(variables.DATABASE_URL_FILE, "utf8").trim();
  return null;
}

export function readEnv(source: NodeJS.ProcessEnv = process.env) {
  const parsed = Variables.safeParse(source);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join(".")}: ${issue?.message}. Correct this environment variable.`);
  }
  const v = parsed.data;
  const home = resolve(v.ANNEAL_HOME);
  return {
    home,
    databaseUrl: databaseUrl(v),
    workerName: v.ANNEAL_WORKER_NAME,
    host: hostname(),
    roles: v.ANNEAL_WORKER_ROLES,
    joinToken: v.ANNEAL_JOIN_TOKEN,
    labels: v.ANNEAL_WORKER_LABELS,
    leaseSeconds: v.ANNEAL_LEASE_SECONDS,
    segmentSeconds: v.ANNEAL_SEGMENT_SECONDS,
    retry: { attempts: v.ANNEAL_MAX_STALLED_ATTEMPTS, waitSeconds: v.ANNEAL_RETRY_SECONDS },
    hangSeconds: v.ANNEAL_HANG_SECONDS,
    hangFactor: v.ANNEAL_HANG_FACTOR,
    fenced: v.ANNEAL_TEST_FENCE === "on",
    store: {
      location: v.ANNEAL_STORE ?? null,
      keys: {
        accessKeyId: v.AWS_ACCESS_KEY_ID,
        secretAccessKey: v.AWS_SECRET_ACCESS_KEY,
        sessionToken: v.AWS_SESSION_TOKEN,
        endpoint: v.AWS_ENDPOINT_URL_S3,
        region: v.AWS_REGION,
      },
      cacheBytes: v.ANNEAL_CACHE_BYTES,
      verify: v.ANNEAL_TEST_STORE_CHECK === "on",
    },
    trainer: v.ANNEAL_TRAINER ?? null,
    engineAddon: v.ANNEAL_ENGINE_ADDON ?? null,
    speedProbe: v.ANNEAL_SPEED_PROBE ?? null,
    textThread: v.ANNEAL_TEXT_THREAD ?? null,
    threads: availableParallelism(),
    port: v.ANNEAL_PORT,
    bind: v.ANNEAL_BIND,
    publicUrl: v.ANNEAL_PUBLIC_URL ?? null,
    logLevel: v.ANNEAL_LOG_LEVEL,
    ollamaHost: v.OLLAMA_HOST,
    paths: {
      home,
      runs: join(home, "runs"),
      datasets: join(home, "datasets"),
      shards: join(home, "shards"),
      uploads: join(home, "uploads"),
      ollamaModels: v.OLLAMA_MODELS,
      modelDirectories: v.ANNEAL_MODEL_DIRS.filter((folder) => existsSync(folder)),
      dataDirectories: v.ANNEAL_DATA_DIRS.filter((folder) => existsSync(folder)),
    },
  };
}
export type Env = ReturnType<typeof readEnv>;

/** For child processes: everything, as it came, with some values set. */
export const childEnv = (changes: Record<string, string>): NodeJS.ProcessEnv => ({ ...process.env, ...changes });

/** For programs that read foreign files: everything but the way into the database. */
export function withoutDatabase(source: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const { DATABASE_URL: _url, DATABASE_URL_FILE: _file, ...rest } = source;
  return rest as NodeJS.ProcessEnv;
}
