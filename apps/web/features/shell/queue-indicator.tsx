"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { cn } from "../../lib/cn.ts";
import { formatDuration, formatPercent, visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { useLive } from "../live/live-provider.tsx";
import { wholeFraction } from "../runs/progress.ts";

// What the machine does now, on every page: the running run with its share and what is left, and how many wait.
export function QueueIndicator() {
  const t = useTranslations("queue");
  const trpc = useTRPC();
  const { connection } = useLive();
  const active = useQuery(
    trpc.runs.list.queryOptions(
      { status: ["running", "pausing", "cancelling", "queued"], limit: 50 },
      { refetchInterval: 10_000 },
    ),
  );
  const items = active.data?.items ?? [];
  const running = items.filter((run) => run.status !== "queued");
  const queued = items.length - running.length;
  const first = running[0];
  const fraction = first ? wholeFraction(first) : null;
  return (
    <Link
      href={first ? `/runs/${first.id}` : "/runs"}
      className="flex min-w-0 items-center gap-2 rounded-md px-2 py-1 text-muted-foreground text-xs hover:bg-accent hover:text-foreground"
      data-testid="queue-indicator"
      data-connection={connection}
    >
      <span className="relative flex size-2 shrink-0">
        {first ? <span className="absolute size-2 animate-ping rounded-full bg-info/60" /> : null}
        <span className={cn("relative size-2 rounded-full", first ? "bg-info" : queued ? "bg-warning" : "bg-input")} />
      </span>
      <span className="tabular flex min-w-0 items-center gap-1.5 whitespace-nowrap">
        {first ? (
          <>
            <span className="max-w-24 truncate font-medium text-foreground sm:max-w-48">{visible(first.name)}</span>
            {fraction === null ? null : <span>{formatPercent(fraction, 0)}</span>}
            {first.progress?.etaSeconds ? (
              <span className="hidden sm:inline">
                {t("left", { duration: formatDuration(first.progress.etaSeconds) })}
              </span>
            ) : null}
            {running.length > 1 ? <span>{t("more", { count: running.length - 1 })}</span> : null}
          </>
        ) : active.isError ? (
          t("unknown")
        ) : queued === 0 ? (
          t("idle")
        ) : null}
        {queued > 0 ? <span>{t("queued", { count: queued })}</span> : null}
      </span>
    </Link>
  );
}
