"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useFormatter, useTranslations } from "next-intl";
import { Button } from "../../components/ui/button.tsx";
import { formatPercent } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";

/** How far the import under this title is, with a way to end it. */
export function JobProgress({ title }: { title: string }) {
  const t = useTranslations("datasets.upload");
  const format = useFormatter();
  const trpc = useTRPC();
  const jobs = useQuery(trpc.jobs.list.queryOptions(undefined, { refetchInterval: 1000 }));
  const cancel = useMutation(trpc.jobs.cancel.mutationOptions());
  const job = jobs.data?.find((one) => one.title === title && (one.status === "waiting" || one.status === "running"));
  if (!job) return null;
  const { fraction, rows } = job.progress ?? { fraction: 0, rows: 0 };
  return (
    <div className="flex flex-wrap items-center gap-3 text-sm">
      <progress value={fraction} max={1} aria-label={t("importing")} className="h-2 w-48 accent-primary" />
      <span className="tabular" role="status">
        {t("imported", { percent: formatPercent(fraction, 0), rows: format.number(rows) })}
      </span>
      <Button disabled={cancel.isPending} onClick={() => cancel.mutate({ jobId: job.id })}>
        {t("cancelImport")}
      </Button>
    </div>
  );
}
