"use client";
import type { DeploymentSummary, RunDetail, RunStatus, RunSummary } from "@anneal/contracts";
import { type InfiniteData, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useTRPC } from "../../lib/trpc.ts";
import { mergeDeployments, mergeDetail, mergeRuns, type RunListInput, type RunListPage } from "./merge-runs.ts";

const gatherMilliseconds = 250;
type Lists = RunListPage | InfiniteData<RunListPage>;

/** Takes runs as the stream tells them and puts many at once into the pages; what is owed another look is asked for once. */
export function useMergeRuns(): (run: RunSummary) => void {
  const queryClient = useQueryClient();
  const trpc = useTRPC();
  const gathered = useMemo(() => {
    const told = new Map<string, RunSummary>();
    const statuses = new Map<string, RunStatus>();
    let timer: ReturnType<typeof setTimeout> | undefined;

    const lookAgain = (queryKey: readonly unknown[]) => void queryClient.invalidateQueries({ queryKey, exact: true });
    const flush = () => {
      timer = undefined;
      const runs = [...told.values()];
      told.clear();
      for (const [key, data] of queryClient.getQueriesData<Lists>({ queryKey: trpc.runs.list.pathKey() })) {
        if (!data) continue;
        const input = (key[1] as { input?: RunListInput } | undefined)?.input ?? {};
        const { pages, changed, stale } = mergeRuns("pages" in data ? data.pages : [data], input, runs, (id) =>
          statuses.get(id),
        );
        if (changed) {
          const merged: Lists | undefined = "pages" in data ? { ...data, pages } : pages[0];
          queryClient.setQueryData(key, merged);
        }
        if (stale) lookAgain(key);
      }
      for (const run of runs) {
        const key = trpc.runs.get.queryKey({ runId: run.id });
        const detail = queryClient.getQueryData<RunDetail>(key);
        if (!detail) continue;
        const merged = mergeDetail(detail, run);
        queryClient.setQueryData<RunDetail>(key, merged.detail);
        if (merged.stale) lookAgain(key);
      }
      for (const [key, data] of queryClient.getQueriesData<DeploymentSummary[]>({
        queryKey: trpc.deployments.list.pathKey(),
      })) {
        if (!data) continue;
        const { deployments, stale } = mergeDeployments(data, runs);
        queryClient.setQueryData(key, deployments);
        if (stale) lookAgain(key);
      }
      if (runs.some(({ id, status }) => statuses.has(id) && statuses.get(id) !== status))
        void queryClient.invalidateQueries({ queryKey: trpc.system.status.pathKey() });
      for (const { id, status } of runs) statuses.set(id, status);
    };
    return {
      take(run: RunSummary) {
        told.set(run.id, run);
        timer ??= setTimeout(flush, gatherMilliseconds);
      },
      drop() {
        clearTimeout(timer);
        timer = undefined;
        told.clear();
      },
    };
  }, [queryClient, trpc]);
  useEffect(() => gathered.drop, [gathered]);
  return gathered.take;
}
