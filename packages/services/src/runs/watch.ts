import { api, finalStatuses, type RunEvent, type RunSummary } from "@anneal/contracts";
import { channels, schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { notFound, streamVerb } from "../verb.ts";
import { readEvents } from "./events.ts";
import { findSummaries } from "./summary.ts";

const pageSize = 500;
// A notification can be lost with its connection; a slow look at the table bounds the delay.
const lookAgainMilliseconds = 5000;

/** Remembers wake-ups that come while nobody waits, so that none falls between a read and the next wait. */
export function createWaker(signal?: AbortSignal) {
  let rung = false;
  let resume: (() => void) | null = null;
  const wake = () => {
    rung = true;
    resume?.();
  };
  signal?.addEventListener("abort", wake);
  return {
    wake,
    async wait(milliseconds: number): Promise<void> {
      if (!rung) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          resume = resolve;
          timer = setTimeout(resolve, milliseconds);
        });
        clearTimeout(timer);
        resume = null;
      }
      rung = false;
    },
    dispose: () => signal?.removeEventListener("abort", wake),
  };
}

/**
 * A run's events from `lastEventId` on, in order, each once: every wake-up reads the table after the last number given,
 * so a missed or doubled notification changes nothing. Ends when the run has ended and all is told, or on ctx.signal.
 */
async function* watchRun(ctx: ServiceContext, runId: string, lastEventId?: string | null): AsyncGenerator<RunEvent> {
  const parsed = Number(lastEventId ?? -1);
  let last = Number.isSafeInteger(parsed) ? parsed : -1;
  const waker = createWaker(ctx.signal);
  const unsubscribe = ctx.listener.subscribe(channels.run, (payload) => {
    if (payload === null || payload === runId) waker.wake();
  });
  try {
    while (!ctx.signal?.aborted) {
      // The status is read before the events: a run seen as ended has all its events in the table.
      const [row] = await ctx.db
        .select({ status: schema.runs.status, lastSeq: schema.runs.lastSeq })
        .from(schema.runs)
        .where(eq(schema.runs.id, runId));
      if (!row) throw notFound("run", runId);
      if (last > row.lastSeq) last = row.lastSeq; // a number this run never had: go on from its end
      const page = await readEvents(ctx.db, runId, { afterSeq: last, limit: pageSize });
      for (const event of page) {
        last = event.seq;
        yield event;
        if (ctx.signal?.aborted) return;
      }
      if (page.length === pageSize) continue;
      if (finalStatuses.includes(row.status) && last >= row.lastSeq) return;
      await waker.wait(lookAgainMilliseconds);
    }
  } finally {
    unsubscribe();
    waker.dispose();
  }
}

export const watch = streamVerb(api.runs.watch, (ctx, { runId, lastEventId }) => watchRun(ctx, runId, lastEventId));

// The newest runs and all that are not finished; what a list page shows.
async function* watchSummaries(ctx: ServiceContext): AsyncGenerator<RunSummary> {
  const told = new Map<string, string>();
  const changed = new Set<string>();
  let everything = true;
  const waker = createWaker(ctx.signal);
  const unsubscribe = ctx.listener.subscribe(channels.run, (payload) => {
    if (payload === null) everything = true;
    else changed.add(payload);
    waker.wake();
  });
  try {
    while (!ctx.signal?.aborted) {
      const ids = everything ? undefined : [...changed];
      everything = false;
      changed.clear();
      for (const summary of await findSummaries(ctx.db, { ids, limit: 200 })) {
        const text = JSON.stringify(summary);
        if (told.get(summary.id) === text) continue;
        told.set(summary.id, text);
        yield summary;
        if (ctx.signal?.aborted) return;
      }
      await waker.wait(lookAgainMilliseconds);
      if (changed.size === 0)
        everything = true; // woken by the clock: look at all
      else await new Promise((resolve) => setTimeout(resolve, 250)); // a busy run changes many times a second; tell some
    }
  } finally {
    unsubscribe();
    waker.dispose();
  }
}

export const watchAll = streamVerb(api.runs.watchAll, (ctx) => watchSummaries(ctx));
