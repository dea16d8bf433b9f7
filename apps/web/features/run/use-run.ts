"use client";
import type { DeploymentSummary, RunDetail, RunEvent, RunProgress } from "@anneal/contracts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { mayRetry } from "../../lib/problem.ts";
import { SeriesStore } from "../../lib/series.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { useRunEvents } from "../live/live-provider.tsx";
import { isFinal } from "../runs/run-actions.ts";

// A run as its page shows it: the stored state up to an event number, then every event behind that number as it comes.
export function useRun(runId: string) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run has its own curves
  const store = useMemo(() => new SeriesStore(), [runId]);
  const getKey = trpc.runs.get.queryKey({ runId });

  const run = useQuery(
    trpc.runs.get.queryOptions(
      { runId },
      {
        // The stream tells what changes; this bounds what a lost one could hide.
        refetchInterval: (query) => (query.state.data && isFinal(query.state.data.status) ? false : 15_000),
        retry: (count, error) => count < 3 && mayRetry(error),
      },
    ),
  );
  // First the number of the last event, then the curves: what falls between comes by the stream, and is not drawn twice.
  const head = useQuery(
    trpc.runs.events.queryOptions(
      { runId, limit: 1, newestFirst: true },
      { staleTime: Number.POSITIVE_INFINITY, gcTime: 0 },
    ),
  );
  const metrics = useQuery(
    trpc.runs.metrics.queryOptions(
      { runId, buckets: 1500 },
      { enabled: head.isSuccess, staleTime: Number.POSITIVE_INFINITY, gcTime: 0 },
    ),
  );
  useEffect(() => {
    if (metrics.data) store.load(metrics.data);
  }, [metrics.data, store]);

  const soon = useSoon();
  const progress = useRef<RunProgress | null>(null);
  const onEvent = useCallback(
    ({ time, body }: RunEvent) => {
      const patch = (change: (run: RunDetail) => RunDetail) =>
        queryClient.setQueryData<RunDetail>(getKey, (old) => (old ? change(old) : old));
      switch (body.type) {
        case "metrics":
          store.append(body.step, Date.parse(time) / 1000, body.tokens, body.values);
          return;
        case "progress":
          progress.current = body.progress;
          soon("progress", () => patch((old) => ({ ...old, progress: progress.current ?? old.progress })));
          return;
        case "deployment":
          patch((old) => ({ ...old, deployments: old.deployments.map((row) => withPhase(row, body)) }));
          // An end changes more than the status; one that is unknown was asked for elsewhere.
          if (body.status !== "publishing") soon("get", () => void queryClient.invalidateQueries({ queryKey: getKey }));
          break;
        case "samples":
          soon(
            "samples",
            () => void queryClient.invalidateQueries({ queryKey: trpc.runs.samples.queryKey({ runId }) }),
          );
          break;
        case "log":
          break;
        default:
          soon("get", () => void queryClient.invalidateQueries({ queryKey: getKey }));
      }
      soon("events", () => void queryClient.invalidateQueries({ queryKey: eventsKey(runId) }));
    },
    [queryClient, getKey, store, soon, trpc, runId],
  );
  const generation = useGeneration(run.data ? isFinal(run.data.status) : false);
  useRunEvents(runId, head.isSuccess ? (head.data[0]?.seq ?? -1) : null, onEvent, generation);
  return { run, store, metrics };
}

// The event list's queries carry this mark, so that one look-again reaches all of them.
export const eventsKey = (runId: string) => ["run-events", runId] as const;

type DeploymentBody = Extract<RunEvent["body"], { type: "deployment" }>;
const withPhase = (row: DeploymentSummary, body: DeploymentBody): DeploymentSummary =>
  row.id === body.deploymentId
    ? {
        ...row,
        phase: body.phase,
        fraction: body.fraction,
        etaSeconds: body.etaSeconds,
        status: body.status as DeploymentSummary["status"],
        problem: body.problem,
      }
    : row;

// Many events within a moment cause one look.
function useSoon(): (name: string, run: () => void) => void {
  const timers = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  useEffect(() => {
    const pending = timers.current;
    return () => {
      for (const timer of pending.values()) clearTimeout(timer);
      pending.clear();
    };
  }, []);
  return useCallback((name, run) => {
    if (timers.current.has(name)) return;
    timers.current.set(
      name,
      setTimeout(() => {
        timers.current.delete(name);
        run();
      }, 300),
    );
  }, []);
}

// Counts how often a finished run was taken up again.
function useGeneration(final: boolean): number {
  const [generation, setGeneration] = useState(0);
  const was = useRef(final);
  useEffect(() => {
    if (was.current && !final) setGeneration((count) => count + 1);
    was.current = final;
  }, [final]);
  return generation;
}
