import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createDatabase, createListener, type Database, type Listener } from "@anneal/db";
import { createAsking, type Log, logSink, openAuditKey, type ServiceContext, storage } from "@anneal/services";
import pino from "pino";
import { type Auth, createAuth } from "./auth.ts";
import { createDevices, type Devices } from "./devices.ts";
import { type Env, readEnv } from "./env.ts";
import { createOllamaPort } from "./ollama-port.ts";
import { createOpenStreams, type OpenStreams } from "./open-streams.ts";
import { createSendingQueue, type SendingQueue } from "./queue.ts";
import { createRateLimits, type RateLimits } from "./rate-limit.ts";
import { openSecrets } from "./secrets.ts";

// Longer than any question of the console takes; a database that is frozen is told by then.
const queryTimeoutSeconds = 20;

/** What lives as long as the web process. */
export interface Server {
  env: Env;
  log: Log;
  db: Database;
  listener: Listener;
  queue: SendingQueue;
  auth: Auth;
  limits: RateLimits;
  devices: Devices;
  /** Of this process alone, for who can read the home. */
  localKey: string;
  openStreams: OpenStreams;
  /** The services' context without a caller; it sees every project. */
  services: Omit<ServiceContext, "actor" | "signal">;
  close(): Promise<void>;
}

export function createServer(env: Env): Server {
  if (!env.databaseUrl)
    throw new Error("DATABASE_URL is not set; start Anneal with ./anneal up, which brings its own Postgres, or set it");
  for (const folder of [env.home, env.paths.uploads, env.paths.datasets])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log: Log = pino({ name: "web", level: env.logLevel }, logSink());
  const secrets = openSecrets(env.home);
  openAuditKey(env.home, { make: true });
  const db = createDatabase(env.databaseUrl, {
    applicationName: "anneal-web",
    queryTimeoutSeconds,
    onIdleError: (error) => log.warn({ error: error.message }, "an idle database connection broke"),
  });
  const listener = createListener(env.databaseUrl);
  const queue = createSendingQueue(env.databaseUrl, log);
  const work = createAsking({ db, listener });
  return {
    env,
    log,
    db,
    listener,
    queue,
    auth: createAuth({ db, env, secret: secrets.sessions, log }),
    limits: createRateLimits(),
    devices: createDevices(secrets.devices, env.publicUrl?.startsWith("https:") ?? false),
    localKey: randomBytes(32).toString("base64url"),
    openStreams: createOpenStreams({ db, now: () => new Date(), log, listener }),
    services: {
      db,
      projectId: null,
      now: () => new Date(),
      queue,
      listener,
      ollama: createOllamaPort(env.ollamaHost, env.paths.ollamaModels),
      work,
      paths: env.paths,
      files: storage.openFiles({ home: env.home, ...env.store }),
      log,
      hashToken: secrets.hashToken,
    },
    async close() {
      work.close();
      await listener.close();
      await queue.stop();
      await db.close();
    },
  };
}

// A bundler gives every route its own copy of this module; the process has one server.
const key = Symbol.for("anneal.web.server");
const holder = globalThis as { [key]?: Server };

export function server(): Server {
  holder[key] ??= createServer(readEnv());
  return holder[key];
}
