import { api, finalStatuses, type RunEvent, type RunStatus, type RunSummary } from "@anneal/contracts";
import { channels, schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { notFound, streamVerb } from "../verb.ts";
import { readEvents } from "./events.ts";
import { createFeeds, Feed } from "./feed.ts";
import { findSummaries } from "./summary.ts";

const pageSize = 500;
const tailEvents = 2000; // kept in memory; who is further behind reads the table
// A busy run changes many times a second; lists are told some of it.
const listPauseMilliseconds = 250;

/** The end of one run's events, as the table had it last. */
class RunFeed extends Feed {
  status: RunStatus | null = null;
  lastSeq = -1;
  private tail: RunEvent[] = [];
  private base: number | null = null; // the tail holds every event behind this number

  constructor(
    private readonly ctx: ServiceContext,
    private readonly runId: string,
    onEnd: () => void,
  ) {
    super(ctx.listener, channels.run, onEnd);
  }

  protected notified = (payload: string | null) => {
    if (payload === null || payload === this.runId) void this.refresh();
  };

  protected async load(): Promise<void> {
    // The status is read before the events: a run seen as ended has all its events in the table.
    const [row] = await this.ctx.db
      .select({ status: schema.runs.status, lastSeq: schema.runs.lastSeq })
      .from(schema.runs)
      .where(eq(schema.runs.id, this.runId));
    if (!row) throw notFound("run", this.runId);
    this.base ??= row.lastSeq;
    for (let head = this.tail.at(-1)?.seq ?? this.base; head < row.lastSeq; ) {
      const page = await readEvents(this.ctx.db, this.runId, { afterSeq: head, limit: pageSize });
      this.tail.push(...page);
      head = page.at(-1)?.seq ?? row.lastSeq;
    }
    const dropped = this.tail.splice(0, Math.max(0, this.tail.length - tailEvents));
    this.base = dropped.at(-1)?.seq ?? this.base;
    this.status = row.status;
    this.lastSeq = row.lastSeq;
  }

  /** The events behind a number; null where the tail does not reach back so far. */
  after(seq: number): RunEvent[] | null {
    if (this.base === null || seq < this.base) return null;
    return this.tail.filter((event) => event.seq > seq);
  }
}
const runFeeds = createFeeds((ctx: ServiceContext, runId, onEnd) => new RunFeed(ctx, runId, onEnd));

/**
 * A run's events from `lastEventId` on, in order, each once: what follows the last number given is taken from the table or from
 * the feed, so a missed or doubled notification changes nothing. Ends when the run has ended and all is told, or on ctx.signal.
 */
async function* watchRun(ctx: ServiceContext, runId: string, lastEventId?: string | null): AsyncGenerator<RunEvent> {
  const parsed = Number(lastEventId ?? -1);
  let last = Number.isSafeInteger(parsed) ? parsed : -1;
  const feed = runFeeds(ctx, runId);
  feed.enter();
  try {
    if (feed.failed || feed.status === null || last > feed.lastSeq) await feed.refresh();
    if (last > feed.lastSeq) last = feed.lastSeq; // a number this run never had: go on from its end
    while (!ctx.signal?.aborted) {
      const state = feed.seen();
      const { status, lastSeq } = feed;
      const page = feed.after(last) ?? (await readEvents(ctx.db, runId, { afterSeq: last, limit: pageSize }));
      for (const event of page) {
        last = event.seq;
        yield event;
        if (ctx.signal?.aborted) return;
      }
      if (page.length > 0) continue;
      if (status !== null && finalStatuses.includes(status) && last >= lastSeq) return;
      await feed.changed(state, ctx.signal);
    }
  } finally {
    feed.leave();
  }
}

export const watch = streamVerb(api.runs.watch, (ctx, { runId, lastEventId }) => watchRun(ctx, runId, lastEventId));

/** The newest runs and all that changed while somebody watches; what a list page shows. */
class SummaryFeed extends Feed {
  isLoaded = false;
  private entries = new Map<string, { summary: RunSummary; text: string }>();
  private readonly ids = new Set<string>();
  private pause: NodeJS.Timeout | null = null;

  constructor(
    private readonly ctx: ServiceContext,
    onEnd: () => void,
  ) {
    super(ctx.listener, channels.run, onEnd);
  }

  protected notified = (payload: string | null) => {
    if (payload === null) return void this.refresh();
    this.ids.add(payload);
    this.pause ??= setTimeout(() => {
      this.pause = null;
      void this.refresh();
    }, listPauseMilliseconds);
  };

  protected async load(): Promise<void> {
    // Without a change it is the clock, the first watcher or a new connection that asks: look at all.
    const ids = this.isLoaded && this.ids.size > 0 ? [...this.ids] : undefined;
    this.ids.clear();
    const found = await findSummaries(this.ctx.db, { ids, limit: 200 });
    if (!ids) this.entries = new Map();
    for (const summary of found) this.entries.set(summary.id, { summary, text: JSON.stringify(summary) });
    this.isLoaded = true;
  }

  list = () => [...this.entries.values()];
}
const summaryFeeds = createFeeds((ctx: ServiceContext, _key, onEnd) => new SummaryFeed(ctx, onEnd));

async function* watchSummaries(ctx: ServiceContext): AsyncGenerator<RunSummary> {
  const told = new Map<string, string>();
  const feed = summaryFeeds(ctx, "all");
  feed.enter();
  try {
    if (feed.failed || !feed.isLoaded) await feed.refresh();
    while (!ctx.signal?.aborted) {
      const state = feed.seen();
      for (const { summary, text } of feed.list()) {
        if (told.get(summary.id) === text) continue;
        told.set(summary.id, text);
        yield summary;
        if (ctx.signal?.aborted) return;
      }
      await feed.changed(state, ctx.signal);
    }
  } finally {
    feed.leave();
  }
}

export const watchAll = streamVerb(api.runs.watchAll, (ctx) => watchSummaries(ctx));
