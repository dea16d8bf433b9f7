"use client";
import type { RunDetail } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { formatNumber, formatPercent } from "../../lib/format.ts";
import type { SeriesStore } from "../../lib/series.ts";
import { type AdapterRow, adapterRows } from "./adapter-rows.ts";
import { useStoreVersion } from "./charts/use-store-version.ts";

// Adapters trained side by side: what each was set to, and how far it has come. Nothing where a run has only one.
export function AdaptersCard({ run, store }: { run: RunDetail; store: SeriesStore }) {
  const t = useTranslations("run.adapters");
  useStoreVersion(store);
  const rows = adapterRows(run, store);
  if (rows.length === 0) return null;
  const figure = (value: number | null, format: (value: number) => string) => (value === null ? "–" : format(value));
  const columns: Column<AdapterRow>[] = [
    {
      key: "name",
      header: t("name"),
      place: "lead",
      cell: (row) => (
        <span className="flex flex-wrap items-center gap-1.5">
          <span className="font-medium">{row.name}</span>
          {row.best ? <Badge tone="success">{t("best")}</Badge> : null}
          {row.exported ? <Badge tone="info">{t("exported")}</Badge> : null}
        </span>
      ),
    },
    { key: "rank", header: t("rank"), numeric: true, cell: (row) => row.rank },
    { key: "alpha", header: t("alpha"), numeric: true, cell: (row) => formatNumber(row.alpha) },
    { key: "rate", header: t("learningRate"), numeric: true, cell: (row) => formatNumber(row.learningRate, 3) },
    { key: "seed", header: t("seed"), numeric: true, cell: (row) => row.seed },
    { key: "train", header: t("trainLoss"), numeric: true, cell: (row) => figure(row.trainLoss, formatNumber) },
    { key: "loss", header: t("loss"), numeric: true, cell: (row) => figure(row.loss, formatNumber) },
    { key: "match", header: t("exactMatch"), numeric: true, cell: (row) => figure(row.exactMatch, formatPercent) },
  ];
  const step = store.last("eval/loss")?.step;
  const note = run.evaluationAfter ? t("final") : step === undefined ? t("pending") : t("during", { step });
  return (
    <Card>
      <CardHeader title={t("title")} />
      <DataTable label={t("title")} rows={rows} columns={columns} rowKey={(row) => row.name} />
      <CardBody className="pt-3 text-muted-foreground text-xs">{note}</CardBody>
    </Card>
  );
}
