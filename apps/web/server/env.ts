import { existsSync, readFileSync } from "node:fs";
import { homedir, hostname, networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";

// The only reader of process.env in the web process. Everything else gets these values passed in.
const workspaceRoot = () => (existsSync(join(process.cwd(), "turbo.json")) ? process.cwd() : resolve("../.."));
const list = (separator: string) =>
  z
    .string()
    .default("")
    .transform((text) =>
      text
        .split(separator)
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    );
const whole = (fallback: number, minimum: number) => z.coerce.number().int().min(minimum).default(fallback);

const Variables = z.object({
  ANNEAL_HOME: z.string().min(1).optional(),
  DATABASE_URL: z.string().optional(),
  DATABASE_URL_FILE: z.string().optional(),
  ANNEAL_WORKER_DATABASE_URL: z.url().optional(), // the database as other machines reach it
  ANNEAL_PORT: whole(3210, 1),
  ANNEAL_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(), // behind a proxy that speaks TLS: what browsers see
  ANNEAL_HOSTS: list(","),
  ANNEAL_UPLOAD_MAX_BYTES: whole(8 * 1024 ** 3, 1024),
  ANNEAL_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  ANNEAL_ENGINE_ADDON: z.string().optional(),
  ANNEAL_VALIDATE_OUTPUTS: z.enum(["on", "off"]).default("off"),
  ANNEAL_MODEL_DIRS: list(":"),
  ANNEAL_DATA_DIRS: list(":"),
  ANNEAL_STORE: z.string().min(1).optional(),
  ANNEAL_CACHE_BYTES: whole(50 * 1024 ** 3, 0),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  AWS_SESSION_TOKEN: z.string().optional(),
  AWS_ENDPOINT_URL_S3: z.string().optional(),
  AWS_REGION: z.string().optional(),
  NODE_ENV: z.string().optional(),
  OLLAMA_HOST: z.string().default("127.0.0.1:11434"),
  OLLAMA_MODELS: z.string().optional(),
});

/** The names this server answers to. Any other is refused: a page elsewhere may point its own name at this machine. */
function allowedHosts(extra: string[], publicUrl: string | undefined): string[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address, family }) => (family === "IPv6" ? `[${address.split("%")[0]}]` : address));
  const names = ["localhost", "127.0.0.1", "[::1]", hostname(), ...own, ...extra];
  if (publicUrl) names.push(new URL(publicUrl).hostname);
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

export function readEnv(source: NodeJS.ProcessEnv = process.env) {
  const parsed = Variables.safeParse(source);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join(".")}: ${issue?.message}. Correct this environment variable.`);
  }
  const v = parsed.data;
  const root = workspaceRoot();
  const home = resolve(/*turbopackIgnore: true*/ v.ANNEAL_HOME ?? join(root, ".anneal"));
  const databaseUrl =
    v.DATABASE_URL || (v.DATABASE_URL_FILE ? readFileSync(v.DATABASE_URL_FILE, "utf8").trim() : undefined);
  const modelDirectories =
    v.ANNEAL_MODEL_DIRS.length > 0 ? v.ANNEAL_MODEL_DIRS : [join(home, "models"), join(root, "demo/base")];
  return {
    root,
    home,
    databaseUrl,
    workerDatabaseUrl: v.ANNEAL_WORKER_DATABASE_URL,
    port: v.ANNEAL_PORT,
    publicUrl: v.ANNEAL_PUBLIC_URL,
    allowedHosts: allowedHosts(v.ANNEAL_HOSTS, v.ANNEAL_PUBLIC_URL),
    uploadMaxBytes: v.ANNEAL_UPLOAD_MAX_BYTES,
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
      verify: true,
    },
    development: v.NODE_ENV === "development",
    logLevel: v.ANNEAL_LOG_LEVEL,
    engineAddon: v.ANNEAL_ENGINE_ADDON ?? join(root, "packages/engine/build/anneal_engine.node"),
    validateOutputs: v.ANNEAL_VALIDATE_OUTPUTS === "on",
    ollamaHost: v.OLLAMA_HOST,
    paths: {
      home,
      runs: join(home, "runs"),
      datasets: join(home, "datasets"),
      shards: join(home, "shards"),
      uploads: join(home, "uploads"),
      ollamaModels: v.OLLAMA_MODELS?.trim() ? resolve(v.OLLAMA_MODELS.trim()) : join(homedir(), ".ollama/models"),
      modelDirectories: modelDirectories.map((path) => resolve(root, path)).filter((path) => existsSync(path)),
      dataDirectories: v.ANNEAL_DATA_DIRS.map((path) => resolve(root, path)).filter((path) => existsSync(path)),
    },
  };
}
export type Env = ReturnType<typeof readEnv>;
