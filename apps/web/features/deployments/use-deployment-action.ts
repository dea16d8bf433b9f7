"use client";
import type { DeploymentSummary, RunDetail } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";

export function useDeploymentAction(runId: string) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, deploymentId }: { verb: "retry" | "rollback"; deploymentId: string }) =>
      client.deployments[verb].mutate({ deploymentId }),
    onSuccess: (changed: DeploymentSummary) => {
      queryClient.setQueryData<RunDetail>(trpc.runs.get.queryKey({ runId }), (old) =>
        old ? { ...old, deployments: old.deployments.map((row) => (row.id === changed.id ? changed : row)) } : old,
      );
    },
  });
}
