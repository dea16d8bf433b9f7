"use client";
import type { DeploymentSummary, RunDetail } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";

/** Publishes again or rolls back, and shows at once that it was asked for; the stream of all runs tells the rest. */
export function useDeploymentAction() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, deploymentId }: { verb: "retry" | "rollback"; deploymentId: string }) =>
      client.deployments[verb].mutate({ deploymentId }),
    onSuccess: (changed: DeploymentSummary) => {
      const swap = (rows: DeploymentSummary[]) => rows.map((row) => (row.id === changed.id ? changed : row));
      if (changed.runId)
        queryClient.setQueryData<RunDetail>(trpc.runs.get.queryKey({ runId: changed.runId }), (old) =>
          old ? { ...old, deployments: swap(old.deployments) } : old,
        );
      queryClient.setQueriesData<DeploymentSummary[]>({ queryKey: trpc.deployments.list.pathKey() }, (old) =>
        old ? swap(old) : old,
      );
    },
  });
}
