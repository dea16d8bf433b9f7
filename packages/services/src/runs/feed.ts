import type { Listener, NotificationHandler } from "@anneal/db";

// A notification can be lost with its connection; a slow look at the table bounds the delay.
const lookAgainMilliseconds = 5000;

/**
 * What all watchers of one thing in this process share: it is read once for every change, not once for every watcher.
 * `load` reads it; loads do not overlap, and changes that come meanwhile are read by the next.
 */
export abstract class Feed {
  private version = 0;
  private failure: { error: unknown } | null = null;
  private loading: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  private readonly waiting = new Set<() => void>();
  private readonly timer = setInterval(() => void this.refresh(), lookAgainMilliseconds);
  private readonly unsubscribe: () => void;
  private watchers = 0;

  constructor(
    listener: Listener,
    channel: string,
    private readonly onEnd: () => void,
  ) {
    this.timer.unref();
    this.unsubscribe = listener.subscribe(channel, (payload) => this.notified(payload));
  }

  protected abstract load(): Promise<void>;
  protected abstract notified: NotificationHandler;

  enter(): void {
    this.watchers++;
  }
  leave(): void {
    if (--this.watchers > 0) return;
    clearInterval(this.timer);
    this.unsubscribe();
    this.onEnd();
  }

  private async run(): Promise<void> {
    try {
      await this.load();
      this.failure = null;
    } catch (error) {
      this.failure = { error };
    }
    this.version++;
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** Resolves after a load that began after this call. */
  refresh(): Promise<void> {
    if (!this.loading) {
      this.loading = this.run().finally(() => {
        this.loading = null;
      });
      return this.loading;
    }
    this.next ??= this.loading.then(() => {
      this.next = null;
      return this.refresh();
    });
    return this.next;
  }

  get failed(): boolean {
    return this.failure !== null;
  }

  /** The number of the state that is shown now; throws where it could not be read. */
  seen(): number {
    if (this.failure) throw this.failure.error;
    return this.version;
  }

  /** Resolves when there is another state than the one of this number, or when the watcher goes. */
  changed(since: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.version !== since || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      this.waiting.add(done);
      signal?.addEventListener("abort", done);
    });
  }
}

/** The feeds of a process, by its listener, project and key; each lives as long as somebody watches. Projects share none. */
export function createFeeds<F extends Feed, C extends { listener: Listener; projectId: string | null }>(
  make: (ctx: C, thing: string, onEnd: () => void) => F,
) {
  const byListener = new WeakMap<Listener, Map<string, F>>();
  return (ctx: C, thing: string): F => {
    const key = `${ctx.projectId} ${thing}`;
    const feeds = byListener.get(ctx.listener) ?? new Map<string, F>();
    byListener.set(ctx.listener, feeds);
    const known = feeds.get(key);
    if (known) return known;
    const feed = make(ctx, thing, () => feeds.delete(key));
    feeds.set(key, feed);
    return feed;
  };
}
