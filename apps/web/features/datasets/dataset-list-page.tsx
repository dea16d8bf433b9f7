"use client";
import type { CommittedDataset, DatasetSummary } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { DatabaseIcon, UploadIcon, XIcon } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useFormatter, useTranslations } from "next-intl";
import { useState } from "react";
import { toast } from "sonner";
import { EmptyState } from "../../components/empty-state.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { RelativeTime } from "../../components/time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { Table, Td, Th, Tr } from "../../components/ui/table.tsx";
import { formatBytes, visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { UploadPanel } from "./upload/upload-panel.tsx";
import { newestVersion, shortDigest } from "./versions.ts";

export function DatasetListPage() {
  const t = useTranslations("datasets");
  const trpc = useTRPC();
  const router = useRouter();
  const [adding, setAdding] = useState(false);
  const datasets = useQuery(trpc.datasets.list.queryOptions());
  const empty = datasets.data?.length === 0;
  const onDone = (dataset: CommittedDataset) => {
    const version = dataset.versions.find(({ id }) => id === dataset.versionId);
    const values = { name: dataset.name, number: version?.number ?? 1, rows: version?.rows ?? 0 };
    if (dataset.created) toast.success(t("madeVersion", values));
    else toast.info(t("sameVersion", values));
    router.push(`/datasets/${dataset.id}`);
  };
  return (
    <>
      <PageHeader
        title={t("title")}
        titleText={t("title")}
        description={t("about")}
        actions={
          empty || datasets.isPending ? null : (
            <Button variant={adding ? "outline" : "primary"} aria-expanded={adding} onClick={() => setAdding(!adding)}>
              {adding ? <XIcon aria-hidden /> : <UploadIcon aria-hidden />}
              {adding ? t("closeUpload") : t("add")}
            </Button>
          )
        }
      />
      <div className="space-y-5">
        {datasets.error ? <ProblemNotice error={datasets.error} onRetry={() => void datasets.refetch()} /> : null}
        {adding && !empty ? (
          <Card>
            <CardHeader title={t("add")} />
            <CardBody>
              <UploadPanel onDone={onDone} />
            </CardBody>
          </Card>
        ) : null}
        {datasets.isPending ? (
          <Card>
            <SkeletonRows label={t("loading")} />
          </Card>
        ) : null}
        {empty ? (
          <Card>
            <EmptyState icon={DatabaseIcon} title={t("empty")}>
              {t("emptyBody")}
            </EmptyState>
            <CardBody className="mx-auto max-w-2xl pb-8">
              <UploadPanel onDone={onDone} />
            </CardBody>
          </Card>
        ) : null}
        {datasets.data && !empty ? <DatasetTable datasets={datasets.data} /> : null}
      </div>
    </>
  );
}

function DatasetTable({ datasets }: { datasets: readonly DatasetSummary[] }) {
  const t = useTranslations("datasets");
  const format = useFormatter();
  return (
    <Card>
      <div className="hidden md:block">
        <Table label={t("title")}>
          <thead>
            <tr>
              <Th>{t("name")}</Th>
              <Th className="text-right">{t("rows")}</Th>
              <Th className="text-right">{t("size")}</Th>
              <Th>{t("formatColumn")}</Th>
              <Th className="text-right">{t("versions")}</Th>
              <Th>{t("digest")}</Th>
              <Th>{t("changed")}</Th>
            </tr>
          </thead>
          <tbody>
            {datasets.map((dataset) => {
              const version = newestVersion(dataset);
              return (
                <Tr key={dataset.id}>
                  <Td className="min-w-48">
                    <Link href={`/datasets/${dataset.id}`} className="foreign font-medium hover:underline">
                      {visible(dataset.name)}
                    </Link>
                  </Td>
                  <Td className="tabular whitespace-nowrap text-right">
                    {version ? format.number(version.rows) : "–"}
                  </Td>
                  <Td className="tabular whitespace-nowrap text-right">{version ? formatBytes(version.bytes) : "–"}</Td>
                  <Td className="whitespace-nowrap">{version ? t(`format.${version.format}`) : "–"}</Td>
                  <Td className="tabular whitespace-nowrap text-right">{dataset.versions.length}</Td>
                  <Td>
                    <code className="font-mono text-xs">{version ? shortDigest(version.digest) : "–"}</code>
                  </Td>
                  <Td className="text-muted-foreground">
                    <RelativeTime iso={version?.createdAt ?? dataset.createdAt} />
                  </Td>
                </Tr>
              );
            })}
          </tbody>
        </Table>
      </div>
      <ul className="divide-y md:hidden">
        {datasets.map((dataset) => {
          const version = newestVersion(dataset);
          return (
            <li key={dataset.id} className="space-y-1 px-4 py-3">
              <Link href={`/datasets/${dataset.id}`} className="foreign font-medium hover:underline">
                {visible(dataset.name)}
              </Link>
              <p className="tabular flex flex-wrap gap-x-3 gap-y-0.5 text-muted-foreground text-xs">
                {version ? (
                  <>
                    <span>{t("rowCount", { count: version.rows })}</span>
                    <span>{formatBytes(version.bytes)}</span>
                    <span>{t(`format.${version.format}`)}</span>
                    <span>{t("versionNumber", { number: version.number })}</span>
                  </>
                ) : null}
                <RelativeTime iso={version?.createdAt ?? dataset.createdAt} />
              </p>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
