import pg from "pg";

/** `payload` null: the connection was made anew, so notifications may have been missed; look at the tables. */
export type NotificationHandler = (payload: string | null) => void;

export interface Listener {
  subscribe(channel: string, handler: NotificationHandler): () => void;
  close(): Promise<void>;
}

// Channel names go into SQL as identifiers.
const channelPattern = /^[a-z_]+$/;

/** LISTEN over one dedicated connection, made again with back-off when it breaks; a probe finds half-open ones. */
export function createListener(url: string, options: { probeSeconds?: number } = {}): Listener {
  const handlers = new Map<string, Set<NotificationHandler>>();
  let client: pg.Client | null = null;
  let closed = false;
  let retry: NodeJS.Timeout | null = null;
  let failures = 0;

  const everyHandler = () => [...handlers.values()].flatMap((set) => [...set]);
  function lost(broken: pg.Client) {
    if (client !== broken) return;
    client = null;
    broken.end().catch(() => undefined); // it is broken already; nothing to save
    if (closed || retry) return;
    retry = setTimeout(
      () => {
        retry = null;
        void connect();
      },
      Math.min(5000, 50 * 2 ** failures++),
    );
  }
  async function connect() {
    if (closed || client) return;
    const fresh = new pg.Client({
      connectionString: url,
      application_name: "anneal-listen",
      keepAlive: true,
      connectionTimeoutMillis: 5000,
      query_timeout: 10_000,
    });
    client = fresh;
    fresh.on("error", () => lost(fresh));
    fresh.on("end", () => lost(fresh));
    fresh.on("notification", (message) => {
      for (const handler of handlers.get(message.channel) ?? []) handler(message.payload ?? "");
    });
    try {
      await fresh.connect();
      for (const channel of handlers.keys()) await fresh.query(`listen ${channel}`);
      failures = 0;
      for (const handler of everyHandler()) handler(null);
    } catch {
      lost(fresh);
    }
  }
  const probe = setInterval(
    () => {
      const current = client;
      if (!current) void connect();
      else current.query("select 1").catch(() => lost(current));
    },
    (options.probeSeconds ?? 15) * 1000,
  );
  probe.unref();

  return {
    subscribe(channel, handler) {
      if (!channelPattern.test(channel)) throw new Error(`channel ${channel} must be lower-case letters and _`);
      const set = handlers.get(channel) ?? new Set();
      const isNew = set.size === 0;
      set.add(handler);
      handlers.set(channel, set);
      const current = client;
      if (!current) void connect();
      else if (isNew)
        current.query(`listen ${channel}`).then(
          () => handler(null),
          () => lost(current),
        );
      return () => {
        set.delete(handler);
      };
    },
    async close() {
      closed = true;
      clearInterval(probe);
      if (retry) clearTimeout(retry);
      const current = client;
      client = null;
      await current?.end().catch(() => undefined); // closing a broken connection is closing
    },
  };
}

/** Every channel in use, so that sender and listener spell it alike. */
export const channels = {
  /** payload: run id; its events or row changed. */
  run: "anneal_run",
  /** payload: run id; a person asked for cancel, pause or save. */
  control: "anneal_control",
  /** payload: id of a worker that was cordoned, drained or let in again. */
  worker: "anneal_worker",
  /** payload: the kind of a work request that waits, or a request's id that shall stop. */
  work: "anneal_work",
  /** payload: id of a work request that has an answer or has come further. */
  answer: "anneal_answer",
  /** payload: user id; what this account may do has changed. */
  access: "anneal_access",
} as const;
