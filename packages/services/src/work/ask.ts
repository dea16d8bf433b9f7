import { ServiceError, say, type WorkKind, type WorkOutput, type WorkProgress, workCatalogue } from "@anneal/contracts";
import { channels, type Database, type Listener } from "@anneal/db";
import type { WorkPort } from "./port.ts";
import {
  dropWanted,
  findRequest,
  keepWanted,
  openRequest,
  someWorkerTakes,
  type WorkRequest,
  wantedSeconds,
} from "./requests.ts";

const lookMilliseconds = 1000; // a notification may be lost with its connection
const noWorkerMilliseconds = 6000; // a worker that starts again is given so long

export interface AskingOptions {
  db: Database;
  listener: Listener;
}

const cancelled = () =>
  new ServiceError("CONFLICT", say`the job was cancelled`, { remedy: say`start it again if it is still wanted` });

const noWorker = (kind: WorkKind) =>
  new ServiceError("UNAVAILABLE", say`no worker with the role ${workCatalogue[kind].role} is running`, {
    remedy: say`start one: ./anneal up on this machine, or ./anneal worker --join on another`,
  });

const tooLong = (kind: WorkKind) =>
  new ServiceError("UNAVAILABLE", say`no worker has answered within ${workCatalogue[kind].runSeconds} s`, {
    remedy: say`look into the workers' logs, and try again`,
  });

/** Asks workers over the database: a row, a notification to them, and one back. */
export function createAsking({ db, listener }: AskingOptions): WorkPort & { close(): void } {
  const waiting = new Map<string, Set<() => void>>(); // by request: who looks at its row again
  let unsubscribe: (() => void) | null = null;
  const wake = (id: string | null) => {
    for (const [key, lookers] of waiting) if (id === null || id === key) for (const look of lookers) look();
  };
  const keeper = setInterval(
    () => void keepWanted({ db }, [...waiting.keys()]).catch(() => undefined), // the next one may reach it
    (wantedSeconds * 1000) / 4,
  );
  keeper.unref();

  function join(id: string, look: () => void): () => void {
    unsubscribe ??= listener.subscribe(channels.answer, wake);
    const lookers = waiting.get(id) ?? new Set();
    lookers.add(look);
    waiting.set(id, lookers);
    return () => {
      lookers.delete(look);
      if (lookers.size === 0) waiting.delete(id);
    };
  }

  /** Resolves with the finished row; null where it is gone (nobody was known to wait for it). */
  async function finished(
    id: string,
    kind: WorkKind,
    signal: AbortSignal | undefined,
    onProgress: ((progress: WorkProgress) => void) | undefined,
  ): Promise<WorkRequest | null> {
    const began = performance.now();
    let told = "";
    let woken = true;
    let rouse: () => void = () => undefined;
    const leave = join(id, () => {
      woken = true;
      rouse();
    });
    const onAbort = () => rouse();
    signal?.addEventListener("abort", onAbort);
    try {
      for (;;) {
        signal?.throwIfAborted();
        woken = false;
        const row = await findRequest({ db }, id);
        if (!row || !["waiting", "running"].includes(row.status)) return row;
        const progress = row.progress ? JSON.stringify(row.progress) : "";
        if (progress !== told && row.progress) onProgress?.(row.progress);
        told = progress;
        const waited = performance.now() - began;
        if (waited > workCatalogue[kind].runSeconds * 1000) throw tooLong(kind);
        if (row.status === "waiting" && waited > noWorkerMilliseconds && !(await someWorkerTakes({ db }, kind)))
          throw noWorker(kind);
        if (woken || signal?.aborted) continue;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, lookMilliseconds);
          rouse = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    } catch (error) {
      leave();
      if (!waiting.has(id)) await dropWanted({ db }, id).catch(() => undefined); // its time runs out by itself
      throw error;
    } finally {
      leave();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  return {
    async ask<K extends WorkKind>(...[asker, kind, input, options = {}]: Parameters<WorkPort["ask"]>) {
      const { signal } = asker;
      for (;;) {
        const id = await openRequest({ db }, asker, kind, input, options);
        const row = await finished(id, kind, signal, options.onProgress);
        if (row?.status === "done") return workCatalogue[kind].output.parse(row.output) as WorkOutput<K>;
        if (row?.status === "failed" && row.problem) throw ServiceError.of(row.problem);
        if (row?.cancelRequestedAt) throw cancelled();
        // Stopped for somebody who had left, just as we joined: asked anew.
      }
    },
    close() {
      clearInterval(keeper);
      unsubscribe?.();
    },
  };
}
