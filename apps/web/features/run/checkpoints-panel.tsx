"use client";
import type { CheckpointSummary } from "@anneal/contracts";
import { CloudUploadIcon, SaveIcon, StarIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { RelativeTime } from "../../components/time.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card } from "../../components/ui/card.tsx";
import { formatBytes, formatNumber, formatPercent } from "../../lib/format.ts";

export function CheckpointsPanel({
  checkpoints,
  onPublish,
}: {
  checkpoints: readonly CheckpointSummary[];
  onPublish: (checkpointId: string) => void;
}) {
  const t = useTranslations("run.checkpoints");
  const answers = useTranslations("run.answers");
  const common = useTranslations("common");
  if (checkpoints.length === 0)
    return (
      <Card>
        <EmptyState icon={SaveIcon} title={t("empty")}>
          {t("emptyBody")}
        </EmptyState>
      </Card>
    );
  const columns: Column<CheckpointSummary>[] = [
    {
      key: "step",
      header: t("step"),
      place: "lead",
      cell: (row) => (
        <span className="tabular flex items-center gap-2 font-medium">
          {answers("step", { step: row.step })}
          {row.isBest ? (
            <Badge tone="success">
              <StarIcon aria-hidden />
              {t("best")}
            </Badge>
          ) : null}
        </span>
      ),
    },
    { key: "saved", header: t("saved"), cell: (row) => <RelativeTime iso={row.createdAt} /> },
    {
      key: "loss",
      header: t("evaluationLoss"),
      numeric: true,
      cell: (row) => (row.evaluationLoss === null ? "–" : formatNumber(row.evaluationLoss)),
    },
    // Preferences have no answer to match.
    ...(checkpoints.every(({ exactMatch }) => exactMatch === null)
      ? []
      : [
          {
            key: "exact",
            header: t("exactMatch"),
            numeric: true,
            cell: (row: CheckpointSummary) => (row.exactMatch === null ? "–" : formatPercent(row.exactMatch)),
          },
        ]),
    { key: "size", header: common("size"), numeric: true, cell: (row) => formatBytes(row.bytes) },
    {
      key: "digest",
      header: t("digest"),
      cell: (row) => (
        <code className="font-mono text-muted-foreground text-xs" title={row.digest}>
          {row.digest.slice(7, 19)}
        </code>
      ),
    },
    {
      key: "actions",
      header: common("actions"),
      place: "actions",
      cell: (row) =>
        row.kept ? (
          <Button size="sm" onClick={() => onPublish(row.id)} aria-label={t("publishStep", { step: row.step })}>
            <CloudUploadIcon aria-hidden />
            {t("publish")}
          </Button>
        ) : (
          <span className="text-muted-foreground text-xs">{t("removed")}</span>
        ),
    },
  ];
  return (
    <Card>
      <DataTable label={t("title")} rows={checkpoints} columns={columns} rowKey={(row) => row.id} />
    </Card>
  );
}
