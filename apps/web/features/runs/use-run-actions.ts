"use client";
import { type RunDetail, type RunSummary, wordsOf } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { toast } from "sonner";
import { useWords } from "../../components/phrases.tsx";
import { problemOf } from "../../lib/problem.ts";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import type { RunAction } from "./run-actions.ts";

// Asks the server, shows what will happen now, and puts the answer into the pages that show the run.
export function useRunActions(runId: string, onRemoved?: () => void) {
  const t = useTranslations("runs");
  const words = useWords();
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (action: RunAction): Promise<RunSummary | null> => {
      if (action !== "remove") return client.runs[action].mutate({ runId });
      await client.runs.remove.mutate({ runId });
      return null;
    },
    onSuccess: async (run, action) => {
      if (action === "remove" || !run) {
        toast.success(t("deleted"));
        onRemoved?.();
        queryClient.removeQueries({ queryKey: trpc.runs.get.queryKey({ runId }) });
      } else {
        toast.success(t(`done.${action}`));
        queryClient.setQueryData<RunDetail>(trpc.runs.get.queryKey({ runId }), (old) =>
          old ? { ...old, ...run } : old,
        );
      }
      await queryClient.invalidateQueries({ queryKey: trpc.runs.list.pathKey() });
    },
    onError: (error, action) => {
      // Cancel and delete are asked in a dialog, which shows the refusal itself.
      if (action === "cancel" || action === "remove") return;
      const problem = problemOf(error);
      const remedy = wordsOf(problem, "remedy");
      toast.error(words(wordsOf(problem, "message")), remedy ? { description: words(remedy) } : {});
    },
  });
}
