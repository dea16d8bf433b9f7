import type { SystemStatus } from "@anneal/contracts";

export type WorkerRole = "train" | "data" | "serve";

export const hasWorker = ({ workers }: Pick<SystemStatus, "workers">, role: WorkerRole): boolean =>
  workers.some(({ alive, roles }) => alive && roles.includes(role));
