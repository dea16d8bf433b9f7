import { type Actor, Permission } from "@anneal/contracts";
import type { Database, Listener } from "@anneal/db";
import type { StoreCache } from "@anneal/store";
import type { EnginePort, Log, OllamaPort, Queue, StoragePaths, TextPort } from "./ports.ts";
import type { WorkPort } from "./work/port.ts";

/** What every verb gets beside its input. Made once per process, with the caller's actor per request. */
export interface ServiceContext {
  /** Bound to the project, so that no query sees another's rows; a worker's sees all. */
  db: Database;
  /** The project that the caller works in; null: all of them (a worker). */
  projectId: string | null;
  actor: Actor;
  now(): Date;
  queue: Queue;
  listener: Listener;
  ollama: OllamaPort;
  /** What reads rows, tokenizers or models; workers do it. */
  work: WorkPort;
  paths: StoragePaths;
  /** Files by digest: the store, and its objects as files of this machine. */
  files: StoreCache;
  log: Log;
  /** HMAC-SHA-256 of an API token under the server's secret, in hex; only where tokens are made or checked. */
  hashToken?: (token: string) => string;
  /** How many rows of the audit trail a running verb has written; the verb writes one itself where there are none. */
  told?: { rows: number };
  /** Ends long-lived streams (watch) when the caller goes away. */
  signal?: AbortSignal;
}

/** What a worker has beside: the console has neither an engine nor tokenizers, and what needs them does not compile there. */
export interface WorkContext extends ServiceContext {
  engine: EnginePort;
  /** Strangers' tokenizers and chat templates, away from this thread. */
  text: TextPort;
  /** The row of the worker that this is; absent in tests that are none. */
  workerId?: string;
}

/** The worker's own identity; it may do everything, and the audit trail names it. */
export const systemActor: Actor = {
  kind: "system",
  id: "system",
  name: "Anneal",
  permissions: [...Permission.options],
};
