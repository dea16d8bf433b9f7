import { z } from "zod";
import { Bytes, Id } from "./ids.ts";
import { Permission } from "./permissions.ts";
import { Phrases } from "./phrase/phrase.ts";

export const DoctorCheck = z.object({
  name: z.string(),
  status: z.enum(["ok", "warning", "missing"]),
  found: z.string(),
  remedy: z.string().nullable(),
  phrases: Phrases.optional(), // of name, found and remedy
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;

export const WorkerSummary = z.object({
  id: Id,
  name: z.string(),
  host: z.string(),
  version: z.string().nullable(),
  devices: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  state: z.enum(["taking", "cordoned", "draining", "drained"]), // what it may take, and whether it has let go
  roles: z.array(z.string()),
  isa: z.string(),
  threads: z.int(),
  memoryBytes: Bytes,
  freeMemoryBytes: Bytes,
  diskFreeBytes: Bytes,
  lastSeenAt: z.string(),
  alive: z.boolean(),
  currentRunId: Id.nullable(),
  currentRunName: z.string().nullable(),
});
export type WorkerSummary = z.infer<typeof WorkerSummary>;

export const OllamaStatus = z.object({
  host: z.string(),
  reachable: z.boolean(),
  version: z.string().nullable(),
  message: z.string().nullable(),
  phrases: Phrases.optional(), // of message
});
export type OllamaStatus = z.infer<typeof OllamaStatus>;

export const SystemStatus = z.object({
  version: z.string(),
  workers: z.array(WorkerSummary),
  ollama: OllamaStatus,
  queuedRuns: z.int(),
  runningRuns: z.int(),
});
export type SystemStatus = z.infer<typeof SystemStatus>;

export const ApiTokenSummary = z.object({
  id: Id,
  name: z.string(),
  prefix: z.string(),
  permissions: z.array(Permission),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
  expiresAt: z.string().nullable(),
});
export type ApiTokenSummary = z.infer<typeof ApiTokenSummary>;

// What the server writes into its home (readable by its owner only) for the command line of the same machine.
export const LocalClientFile = z.object({
  url: z.url(),
  token: z.string().min(1),
  pid: z.int(),
  key: z.string().optional(),
});
export type LocalClientFile = z.infer<typeof LocalClientFile>;
export const localClientFileName = "local-client.json";

/** The newest link of the audit trail's chain. */
export const AuditHead = z.object({ number: z.int().min(0), mac: z.string().regex(/^[0-9a-f]{64}$/) });
export type AuditHead = z.infer<typeof AuditHead>;

export const AuditVerdict = z.object({
  ok: z.boolean(),
  rows: z.int(),
  waiting: z.int(), // rows whose link comes next
  adopted: z.int(), // rows that are older than the chain
  head: AuditHead.nullable(),
  findings: z.array(
    z.object({
      kind: z.enum(["genesis", "gap", "missing", "changed", "doubled", "added", "broken", "head"]),
      at: z.string(), // a link's number, or a row's id
    }),
  ),
});
export type AuditVerdict = z.infer<typeof AuditVerdict>;
