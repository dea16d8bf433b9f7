"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { useDurations } from "../../components/time.tsx";
import { cn } from "../../lib/cn.ts";
import { formatPercent, visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { useLive } from "../live/live-provider.tsx";
import { wholeFraction } from "../runs/progress.ts";
import { useNowMilliseconds } from "../runs/use-now.ts";

const answerAgeMilliseconds = 35_000;

// What the machine does now, on every page: the running run with its share and what is left, and how many wait.
export function QueueIndicator() {
  const t = useTranslations("queue");
  const { duration } = useDurations();
  const trpc = useTRPC();
  const { connection } = useLive();
  const active = useQuery(
    trpc.runs.list.queryOptions(
      { status: ["running", "pausing", "cancelling"], limit: 10 },
      { refetchInterval: 10_000 },
    ),
  );
  // An older answer is not today's: while the server does not answer, nothing is said of what runs.
  const now = useNowMilliseconds(5, true);
  const known =
    active.isSuccess && active.failureCount === 0 && (now ?? 0) - active.dataUpdatedAt < answerAgeMilliseconds;
  const running = (known && active.data.items) || [];
  const queued = (known && active.data.counts.queued) || 0;
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
              <span className="hidden sm:inline">{t("left", { duration: duration(first.progress.etaSeconds) })}</span>
            ) : null}
            {running.length > 1 ? <span>{t("more", { count: running.length - 1 })}</span> : null}
          </>
        ) : !known ? (
          active.failureCount > 0 || active.isError || active.isSuccess ? (
            t("unknown")
          ) : (
            t("asking")
          )
        ) : queued === 0 ? (
          t("idle")
        ) : null}
        {queued > 0 ? <span>{t("queued", { count: queued })}</span> : null}
      </span>
    </Link>
  );
}
