"use client";
import type { WorkerSummary } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { useTRPC } from "../../lib/trpc.ts";

/** Cordon, drain or let in again; a silent worker can be removed. */
export function WorkerActions({ worker }: { worker: WorkerSummary }) {
  const t = useTranslations("settings.system");
  const trpc = useTRPC();
  const queries = useQueryClient();
  const options = { onSuccess: () => void queries.invalidateQueries({ queryKey: trpc.system.status.queryKey() }) };
  const cordon = useMutation(trpc.workers.cordon.mutationOptions(options));
  const drain = useMutation(trpc.workers.drain.mutationOptions(options));
  const uncordon = useMutation(trpc.workers.uncordon.mutationOptions(options));
  const remove = useMutation(trpc.workers.remove.mutationOptions(options));
  const input = { workerId: worker.id };
  const failed = cordon.error ?? drain.error ?? uncordon.error ?? remove.error;
  return (
    <div className="flex flex-wrap gap-1">
      {!worker.alive ? (
        <Button onClick={() => remove.mutate(input)}>{t("remove")}</Button>
      ) : worker.state === "taking" ? (
        <>
          <Button onClick={() => cordon.mutate(input)}>{t("cordon")}</Button>
          <Button onClick={() => drain.mutate(input)}>{t("drain")}</Button>
        </>
      ) : (
        <Button onClick={() => uncordon.mutate(input)}>{t("uncordon")}</Button>
      )}
      {failed ? <ProblemNotice error={failed} /> : null}
    </div>
  );
}

/** A token that lets one machine join; it is shown this once. */
export function InviteWorker() {
  const t = useTranslations("settings.system");
  const trpc = useTRPC();
  const invite = useMutation(trpc.workers.invite.mutationOptions());
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button onClick={() => invite.mutate()}>{t("invite")}</Button>
      {invite.data ? (
        <code className="select-all break-all font-mono text-xs">
          {`./anneal worker --join ${window.location.origin} --token ${invite.data.token}`}
        </code>
      ) : null}
      {invite.error ? <ProblemNotice error={invite.error} /> : null}
    </div>
  );
}
