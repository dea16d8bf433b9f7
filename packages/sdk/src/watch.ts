import { RunEvent } from "@anneal/contracts";
import type { AnnealClient } from "./client.ts";

/**
 * A run's events in order, each once, from behind `afterSeq` until the run has ended. Goes on by itself after a broken
 * connection or a restarted server; an error of the request itself (no such run, no permission) is thrown.
 */
export async function* watchRun(
  client: AnnealClient,
  runId: string,
  options: { afterSeq?: number; signal?: AbortSignal; onConnection?: (connected: boolean) => void } = {},
): AsyncGenerator<RunEvent> {
  const waiting: RunEvent[] = [];
  let last = options.afterSeq ?? -1;
  let ended = false;
  let failure: unknown = null;
  let wake: (() => void) | null = null;
  const ring = () => wake?.();
  const subscription = client.runs.watch.subscribe(
    { runId, lastEventId: String(last) },
    {
      onConnectionStateChange: ({ state }) => options.onConnection?.(state === "pending"),
      onData: ({ data }) => {
        waiting.push(RunEvent.parse(data));
        ring();
      },
      onError: (error) => {
        failure = error;
        ring();
      },
      onComplete: () => {
        ended = true;
        ring();
      },
    },
  );
  options.signal?.addEventListener("abort", ring);
  try {
    while (!options.signal?.aborted) {
      const event = waiting.shift();
      if (event) {
        if (event.seq <= last) continue; // told again after a reconnect
        last = event.seq;
        yield event;
      } else if (failure) throw failure;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      wake = null;
    }
  } finally {
    options.signal?.removeEventListener("abort", ring);
    subscription.unsubscribe();
  }
}
