"use client";
import type { Problem, RunPlan, RunSpec } from "@anneal/contracts";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { problemOf } from "../../lib/problem.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { useDebounced } from "../../lib/use-debounced.ts";
import { specForPlan } from "./spec/spec-form.ts";

export interface PlanState {
  plan: RunPlan | null;
  /** Refused as a whole: there is no plan to show. */
  refused: Problem | null;
  problems: readonly Problem[];
  /** A newer plan is on its way. */
  stale: boolean;
  retry: () => void;
}

const measureTries = 6;
const measureMilliseconds = 5000;
const none = JSON.stringify(null);

export function usePlan(spec: RunSpec | null): PlanState {
  const trpc = useTRPC();
  // As text, so that an equal spec is no change.
  const wanted = spec ? JSON.stringify(specForPlan(spec)) : none;
  const settled = useDebounced(wanted, 400);
  const asked = JSON.parse(settled) as RunSpec | null;
  const query = useQuery(
    trpc.runs.plan.queryOptions(
      { spec: asked as RunSpec },
      {
        enabled: asked !== null,
        placeholderData: keepPreviousData,
        staleTime: 30_000,
        retry: false,
        // The first probe of a model may outlast the answer; its figure is there a little later.
        refetchInterval: ({ state }) =>
          state.data?.secondsPerStep === null && state.dataUpdateCount < measureTries ? measureMilliseconds : false,
      },
    ),
  );
  const idle = wanted === none || asked === null;
  const refused = !idle && query.error ? problemOf(query.error) : null;
  const plan = idle || refused ? null : (query.data ?? null);
  return {
    plan,
    refused,
    problems: refused ? [refused] : (plan?.problems ?? []),
    stale: wanted !== none && (wanted !== settled || query.isPlaceholderData || query.isLoading),
    retry: () => void query.refetch(),
  };
}
