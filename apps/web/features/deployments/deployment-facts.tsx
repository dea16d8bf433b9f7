"use client";
import type { DeploymentSummary } from "@anneal/contracts";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { Facts } from "../../components/facts.tsx";
import { RelativeTime } from "../../components/time.tsx";
import { formatBytes, visible } from "../../lib/format.ts";
import { useOwnName } from "../settings/use-own-name.ts";

// Which model a publication serves: of which run and step, as which file, since when, and who asked for it.
export function DeploymentFacts({ row, withRun = false }: { row: DeploymentSummary; withRun?: boolean }) {
  const t = useTranslations("run.deployments");
  const nameOf = useOwnName();
  const source = row.step === null ? t("finalModel") : t("step", { step: row.step });
  const since = row.status === "live" ? row.finishedAt : null;
  const run = row.runId ? (
    <Link href={`/runs/${row.runId}?tab=results`} className="text-primary underline underline-offset-2">
      {visible(row.runName ?? row.runId)}
    </Link>
  ) : (
    t("deletedRun")
  );
  return (
    <Facts
      className="grid-cols-[minmax(6rem,auto)_1fr] text-xs"
      items={[
        [
          t("modelFact"),
          withRun ? (
            <span key="model">
              {run}, {source}
            </span>
          ) : (
            source
          ),
        ],
        [
          t("fileFact"),
          row.file
            ? `${visible(row.file.name)} · ${row.gguf} · ${formatBytes(row.file.bytes)}`
            : `${row.gguf}, ${t("notExported")}`,
        ],
        ...(row.file
          ? [
              [
                t("digestFact"),
                <code key="digest" className="font-mono" title={row.file.digest}>
                  {row.file.digest.slice(7, 19)}
                </code>,
              ] as const,
            ]
          : []),
        [t(since ? "sinceFact" : "askedFact"), <RelativeTime key="time" iso={since ?? row.createdAt} />],
        [t("byFact"), row.publishedBy ? nameOf(row.publishedBy) : t("unknown")],
      ]}
    />
  );
}
