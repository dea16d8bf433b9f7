"use client";
import { useQuery } from "@tanstack/react-query";
import { ServerOffIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { cn } from "../../lib/cn.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { hasWorker, type WorkerRole } from "./workers.ts";

/** Says, where someone waits for one, that no worker of the role is alive; silent as long as that is not known. */
export function NoWorkerNotice({ to, className }: { to: WorkerRole; className?: string }) {
  const t = useTranslations("queue");
  const trpc = useTRPC();
  const status = useQuery(trpc.system.status.queryOptions(undefined, { refetchInterval: 10_000 }));
  if (!status.data || hasWorker(status.data, to)) return null;
  return (
    <div
      role="status"
      data-testid="no-worker"
      className={cn(
        "flex flex-wrap items-start gap-x-2.5 gap-y-1 rounded-md border border-warning/30 bg-warning-soft px-3.5 py-3 text-sm",
        className,
      )}
    >
      <ServerOffIcon className="mt-0.5 size-4 shrink-0 text-warning" aria-hidden />
      <p className="min-w-0 flex-1">
        <span className="font-medium">{t("noWorker")}.</span> {t(to === "train" ? "noWorkerTrain" : "noWorkerServe")}
      </p>
      <Link href="/settings?tab=system" className="font-medium underline underline-offset-2">
        {t("workersPage")}
      </Link>
    </div>
  );
}
