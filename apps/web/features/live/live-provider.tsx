"use client";
import { RunEvent, RunSummary } from "@anneal/contracts";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { useTRPCClient } from "../../lib/trpc.ts";
import { useMergeRuns } from "./use-merge-runs.ts";
import { usePageVisible } from "./use-page-visible.ts";

export type Connection = "connecting" | "live" | "asleep";
interface Focus {
  runId: string;
  afterSeq: number;
  onEvent: (event: RunEvent) => void;
}
interface Live {
  connection: Connection;
  setFocus: (focus: Focus | null) => void;
}
const retryMilliseconds = 5000;
const LiveContext = createContext<Live | null>(null);

// One event stream per tab: the run in focus where there is one, else all runs. A browser opens six connections to one
// server, so a tab that is out of sight lets its stream go and takes it up again, from the last number seen, when it is back.
export function LiveProvider({ children }: { children: ReactNode }) {
  const [focus, setFocus] = useState<Focus | null>(null);
  const [connection, setConnection] = useState<Connection>("connecting");
  const visible = usePageVisible(30);
  const client = useTRPCClient();
  const take = useMergeRuns();
  const lastOfAll = useRef<string | null>(null);
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: attempt opens the stream again
  useEffect(() => {
    if (!visible) {
      setConnection("asleep");
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onConnectionStateChange = (change: { state: string }) =>
      setConnection(change.state === "pending" ? "live" : "connecting");
    // Broken connections mend themselves below; this is a refusal (signed out, run deleted), so it is tried again slowly.
    const onError = (error: unknown) => {
      console.warn("the event stream ended", error);
      timer = setTimeout(() => setAttempt((count) => count + 1), retryMilliseconds);
    };
    if (focus) {
      const subscription = client.runs.watch.subscribe(
        { runId: focus.runId, lastEventId: String(focus.afterSeq) },
        {
          onConnectionStateChange,
          onError,
          // A run that has ended has told all: back to the stream of all runs.
          onComplete: () => setFocus((current) => (current === focus ? null : current)),
          onData: (envelope) => {
            const event = RunEvent.parse(envelope.data);
            if (event.seq <= focus.afterSeq) return;
            focus.afterSeq = event.seq;
            focus.onEvent(event);
          },
        },
      );
      return () => {
        clearTimeout(timer);
        subscription.unsubscribe();
      };
    }
    const subscription = client.runs.watchAll.subscribe(
      { lastEventId: lastOfAll.current },
      {
        onConnectionStateChange,
        onError,
        onData: (envelope) => {
          lastOfAll.current = envelope.id;
          take(RunSummary.parse(envelope.data));
        },
      },
    );
    return () => {
      clearTimeout(timer);
      subscription.unsubscribe();
    };
  }, [client, focus, take, visible, attempt]);

  const live = useMemo(() => ({ connection, setFocus }), [connection]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("useLive needs a LiveProvider above it");
  return live;
}

// Gives every event of a run behind `afterSeq`, once and in order; nothing until afterSeq is known. Another `generation`
// (a finished run taken up again) opens the stream anew, behind the last number seen.
export function useRunEvents(
  runId: string,
  afterSeq: number | null,
  onEvent: (event: RunEvent) => void,
  generation = 0,
): void {
  const { setFocus } = useLive();
  const latest = useRef(onEvent);
  const seen = useRef({ runId, seq: -1 });
  useEffect(() => {
    latest.current = onEvent;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: generation opens the stream anew
  useEffect(() => {
    if (afterSeq === null) return;
    if (seen.current.runId !== runId) seen.current = { runId, seq: -1 };
    setFocus({
      runId,
      afterSeq: Math.max(afterSeq, seen.current.seq),
      onEvent: (event) => {
        seen.current = { runId, seq: event.seq };
        latest.current(event);
      },
    });
    return () => setFocus(null);
  }, [runId, afterSeq, generation, setFocus]);
}
