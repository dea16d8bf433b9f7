import { channels } from "@anneal/db";
import { type ServiceContext, tokens } from "@anneal/services";

const lookMilliseconds = 2000;

interface Stream {
  credential: tokens.Credential;
  end: AbortController;
}

export interface GuardedStream {
  signal: AbortSignal;
  release(): void;
}

/** What is open for long (streams, downloads) ends soon after what it was let in with: one look for all of them. */
export function createOpenStreams(
  ctx: Pick<ServiceContext, "db" | "now" | "log" | "listener">,
  everyMilliseconds = lookMilliseconds,
) {
  const open = new Set<Stream>();
  let timer: NodeJS.Timeout | null = null;
  let looking = false;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      const streams = [...open];
      const credentials = new Map(streams.map(({ credential }) => [tokens.credentialKey(credential), credential]));
      const alive = await tokens.living(ctx, [...credentials.values()]);
      for (const { credential, end } of streams) if (!alive.has(tokens.credentialKey(credential))) end.abort();
    } catch (error) {
      // The database is away: who was let in stays until it can be asked again.
      ctx.log.warn({ error: String(error) }, "open streams could not be checked");
    } finally {
      looking = false;
    }
  }

  // What a person may do has changed: told at once, and the looks between are for notifications that got lost.
  ctx.listener.subscribe(channels.access, () => {
    if (open.size > 0) void look();
  });

  return {
    /** A signal that ends with the request, or when its credential no longer opens anything; released when the stream is over. */
    guard(credential: tokens.Credential | null, signal: AbortSignal): GuardedStream {
      if (!credential || signal.aborted) return { signal, release: () => undefined };
      const stream: Stream = { credential, end: new AbortController() };
      const release = () => {
        open.delete(stream);
        if (open.size > 0 || !timer) return;
        clearInterval(timer);
        timer = null;
      };
      open.add(stream);
      timer ??= setInterval(() => void look(), everyMilliseconds).unref();
      return { signal: AbortSignal.any([signal, stream.end.signal]), release };
    },
    size: () => open.size,
  };
}
export type OpenStreams = ReturnType<typeof createOpenStreams>;
