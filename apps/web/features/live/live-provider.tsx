"use client";
import { RunEvent, RunSummary } from "@anneal/contracts";
import { type InfiniteData, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
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
const LiveContext = createContext<Live | null>(null);

// One event stream per tab: the run in focus where there is one, else all runs. A browser opens six connections to one
// server, so a tab that is out of sight lets its stream go and takes it up again, from the last number seen, when it is back.
export function LiveProvider({ children }: { children: ReactNode }) {
  const [focus, setFocus] = useState<Focus | null>(null);
  const [connection, setConnection] = useState<Connection>("connecting");
  const visible = usePageVisible(30);
  const client = useTRPCClient();
  const patch = usePatchRuns();
  const lastOfAll = useRef<string | null>(null);

  useEffect(() => {
    if (!visible) {
      setConnection("asleep");
      return;
    }
    const onConnectionStateChange = (change: { state: string }) =>
      setConnection(change.state === "pending" ? "live" : "connecting");
    const onError = (error: unknown) => console.warn("the event stream ended", error);
    if (focus) {
      const subscription = client.runs.watch.subscribe(
        { runId: focus.runId, lastEventId: String(focus.afterSeq) },
        {
          onConnectionStateChange,
          onError,
          onData: (envelope) => {
            const event = RunEvent.parse(envelope.data);
            if (event.seq <= focus.afterSeq) return;
            focus.afterSeq = event.seq;
            focus.onEvent(event);
          },
        },
      );
      return () => subscription.unsubscribe();
    }
    const subscription = client.runs.watchAll.subscribe(
      { lastEventId: lastOfAll.current },
      {
        onConnectionStateChange,
        onError,
        onData: (envelope) => {
          lastOfAll.current = envelope.id;
          patch(RunSummary.parse(envelope.data));
        },
      },
    );
    return () => subscription.unsubscribe();
  }, [client, focus, patch, visible]);

  const live = useMemo(() => ({ connection, setFocus }), [connection]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("useLive needs a LiveProvider above it");
  return live;
}

// Gives every event of a run behind `afterSeq`, once and in order; nothing until afterSeq is known.
export function useRunEvents(runId: string, afterSeq: number | null, onEvent: (event: RunEvent) => void): void {
  const { setFocus } = useLive();
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent;
  });
  useEffect(() => {
    if (afterSeq === null) return;
    setFocus({ runId, afterSeq, onEvent: (event) => latest.current(event) });
    return () => setFocus(null);
  }, [runId, afterSeq, setFocus]);
}

// A changed run, put into every list that shows it.
function usePatchRuns(): (run: RunSummary) => void {
  const queryClient = useQueryClient();
  const trpc = useTRPC();
  return useMemo(() => {
    const statuses = new Map<string, string>();
    return (run) => {
      const changed = statuses.get(run.id) !== run.status;
      statuses.set(run.id, run.status);
      type Page = { items: RunSummary[]; nextCursor: string | null };
      const swap = (page: Page): Page => ({ ...page, items: page.items.map((old) => (old.id === run.id ? run : old)) });
      queryClient.setQueriesData<Page | InfiniteData<Page>>({ queryKey: trpc.runs.list.pathKey() }, (data) => {
        if (!data) return data;
        return "pages" in data ? { ...data, pages: data.pages.map(swap) } : swap(data);
      });
      // Another status may put it into another list or place in the queue.
      if (changed) {
        void queryClient.invalidateQueries({ queryKey: trpc.runs.list.pathKey() });
        void queryClient.invalidateQueries({ queryKey: trpc.system.status.pathKey() });
      }
    };
  }, [queryClient, trpc]);
}
