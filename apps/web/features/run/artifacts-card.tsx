"use client";
import { type ArtifactSummary, artifactPath, type Quantisation, reportPath } from "@anneal/contracts";
import { DownloadIcon, FileTextIcon, PackageIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { formatBytes, formatNumber, formatPercent, visible } from "../../lib/format.ts";

// What the file's types cost against the weights as they were trained.
function Cost({ quantisation: { relativeRmse, worst, perplexity } }: { quantisation: Quantisation }) {
  const t = useTranslations("run.artifacts");
  const parts = [t("roundingError", { value: formatPercent(relativeRmse, 2) })];
  if (perplexity)
    parts.push(
      t("perplexity", {
        tuned: formatNumber(perplexity.tuned, 4),
        file: formatNumber(perplexity.file, 4),
        rows: perplexity.rows,
      }),
    );
  return (
    <p
      className="tabular text-muted-foreground text-xs"
      title={worst ? `${worst.tensor} (${worst.type}): ${formatPercent(worst.relativeRmse, 2)}` : undefined}
    >
      {parts.join(" · ")}
    </p>
  );
}

export function ArtifactsCard({ artifacts }: { artifacts: readonly ArtifactSummary[] }) {
  const t = useTranslations("run.artifacts");
  const header = useTranslations("run.header");
  const common = useTranslations("common");
  const columns: Column<ArtifactSummary>[] = [
    {
      key: "name",
      header: common("file"),
      place: "lead",
      cell: (row) => (
        <>
          <p className="font-medium">
            {t(`kind.${row.kind}`)}
            {row.ggufType ? ` ${row.ggufType}` : ""}
            {row.step === null ? null : (
              <span className="font-normal text-muted-foreground"> · {t("ofStep", { step: row.step })}</span>
            )}
          </p>
          <p className="foreign text-muted-foreground text-xs" title={visible(row.file)}>
            {visible(row.name)}
          </p>
          {row.quantisation ? <Cost quantisation={row.quantisation} /> : null}
        </>
      ),
    },
    { key: "size", header: common("size"), numeric: true, cell: (row) => formatBytes(row.bytes) },
    {
      key: "digest",
      header: "SHA-256",
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
      cell: (row) => (
        <span className="flex flex-wrap justify-end gap-1.5">
          {row.kind === "report" ? (
            <Button asChild size="sm">
              <a href={reportPath(row.id)} target="_blank" rel="noopener">
                <FileTextIcon aria-hidden />
                {header("report")}
              </a>
            </Button>
          ) : null}
          <Button asChild size="sm">
            <a href={artifactPath(row.id)} download aria-label={`${common("download")} ${visible(row.name)}`}>
              <DownloadIcon aria-hidden />
              {common("download")}
            </a>
          </Button>
        </span>
      ),
    },
  ];
  return (
    <Card>
      <CardHeader title={t("title")} />
      {artifacts.length === 0 ? (
        <EmptyState icon={PackageIcon} title={t("empty")}>
          {t("emptyBody")}
        </EmptyState>
      ) : (
        <DataTable label={t("title")} rows={artifacts} columns={columns} rowKey={(row) => row.id} />
      )}
    </Card>
  );
}
