"use client";
import type { RunSummary } from "@anneal/contracts";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { RelativeTime, useDurations } from "../../components/time.tsx";
import { Table, Td, Th, Tr } from "../../components/ui/table.tsx";
import { formatNumber, visible } from "../../lib/format.ts";
import { elapsedSeconds } from "./filters.ts";
import { RunMenu } from "./run-menu.tsx";
import { AccuracyChange, RunProgressCell } from "./run-progress.tsx";
import { StatusChip } from "./status-chip.tsx";
import { useBaseWords } from "./use-base-words.ts";
import { useNowMilliseconds } from "./use-now.ts";

export function RunTable({ runs }: { runs: readonly RunSummary[] }) {
  const t = useTranslations("runs");
  const common = useTranslations("common");
  const now = useNowMilliseconds(10, true);
  const { duration } = useDurations();
  return (
    <div className="hidden md:block">
      <Table label={t("table")}>
        <thead>
          <tr>
            <Th>{t("run")}</Th>
            <Th>{common("status")}</Th>
            <Th className="w-64">{t("progress")}</Th>
            <Th className="text-right">{t("loss")}</Th>
            <Th>{t("accuracy")}</Th>
            <Th className="text-right">{t("duration")}</Th>
            <Th>{t("created")}</Th>
            <Th>
              <span className="sr-only">{common("actions")}</span>
            </Th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => {
            const elapsed = now === null ? null : elapsedSeconds(run, now);
            return (
              <Tr key={run.id}>
                <Td className="max-w-80">
                  <Link href={`/runs/${run.id}`} className="block truncate font-medium hover:underline">
                    {visible(run.name)}
                  </Link>
                  <RunSources run={run} />
                </Td>
                <Td>
                  <StatusChip status={run.status} />
                </Td>
                <Td>
                  <RunProgressCell run={run} />
                </Td>
                <Td className="tabular text-right">{run.lastLoss === null ? "–" : formatNumber(run.lastLoss)}</Td>
                <Td>
                  <AccuracyChange run={run} />
                </Td>
                <Td className="tabular whitespace-nowrap text-right text-muted-foreground">
                  {elapsed === null ? "–" : duration(elapsed)}
                </Td>
                <Td className="text-muted-foreground">
                  <RelativeTime iso={run.createdAt} />
                </Td>
                <Td className="text-right">
                  <RunMenu run={run} />
                </Td>
              </Tr>
            );
          })}
        </tbody>
      </Table>
    </div>
  );
}

export function RunSources({ run }: { run: RunSummary }) {
  const t = useTranslations("runs");
  const baseWords = useBaseWords();
  const method = run.methodKind === "full" ? t("method.full") : t("method.lora");
  const served = run.publications.find(({ status }) => status === "live");
  return (
    // Not cut to one line: runs of one base and dataset differ in what stands last.
    <p className="foreign text-muted-foreground text-xs" title={visible(run.base)}>
      {baseWords(run)} · {visible(run.datasetName)} v{run.datasetVersion} · {method} {run.precision}
      {served ? ` · ${t("servedAs", { name: visible(served.name) })}` : null}
    </p>
  );
}
