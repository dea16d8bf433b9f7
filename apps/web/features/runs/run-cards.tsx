"use client";
import type { RunSummary } from "@anneal/contracts";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { RelativeTime } from "../../components/time.tsx";
import { formatNumber, visible } from "../../lib/format.ts";
import { RunMenu } from "./run-menu.tsx";
import { AccuracyChange, RunProgressCell } from "./run-progress.tsx";
import { RunSources } from "./run-table.tsx";
import { StatusChip } from "./status-chip.tsx";

// The same rows where a table has no room.
export function RunCards({ runs }: { runs: readonly RunSummary[] }) {
  const t = useTranslations("runs");
  return (
    <ul className="divide-y md:hidden" aria-label={t("table")}>
      {runs.map((run) => (
        <li key={run.id} className="space-y-2 p-3.5">
          <div className="flex items-start justify-between gap-2">
            <div className="min-w-0">
              <Link href={`/runs/${run.id}`} className="block truncate font-medium hover:underline">
                {visible(run.name)}
              </Link>
              <RunSources run={run} />
            </div>
            <RunMenu run={run} />
          </div>
          <div className="flex items-center gap-3">
            <StatusChip status={run.status} />
            <div className="min-w-0 flex-1">
              <RunProgressCell run={run} />
            </div>
          </div>
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs">
            {run.lastLoss === null ? null : (
              <span className="tabular">
                <span className="text-muted-foreground">{t("loss")}</span> {formatNumber(run.lastLoss)}
              </span>
            )}
            {run.accuracyBefore === null && run.accuracyAfter === null ? null : (
              <span>
                <span className="text-muted-foreground">{t("accuracy")}</span> <AccuracyChange run={run} />
              </span>
            )}
            <span className="ml-auto text-muted-foreground">
              <RelativeTime iso={run.createdAt} />
            </span>
          </div>
        </li>
      ))}
    </ul>
  );
}
