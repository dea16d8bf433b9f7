"use client";
import { useQuery } from "@tanstack/react-query";
import { PlusIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { PageHeader } from "../../components/page-header.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card } from "../../components/ui/card.tsx";
import { NativeSelect } from "../../components/ui/input.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "../../components/ui/tabs.tsx";
import { visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { RemoveDataset } from "./remove-dataset.tsx";
import { RowList } from "./rows/row-list.tsx";
import { VersionTable } from "./version-table.tsx";
import { newestFirst } from "./versions.ts";
import { XrayPanel } from "./xray/xray-panel.tsx";

export function DatasetPage({ datasetId }: { datasetId: string }) {
  const t = useTranslations("datasets");
  const trpc = useTRPC();
  const id = useId();
  const dataset = useQuery(trpc.datasets.get.queryOptions({ datasetId }));
  const [versionId, setVersionId] = useState<string | null>(null);
  const back = { href: "/datasets", label: t("title") };

  if (dataset.isPending)
    return (
      <>
        <PageHeader title={t("loading")} titleText={t("loading")} back={back} />
        <Card>
          <SkeletonRows label={t("loading")} />
        </Card>
      </>
    );
  if (dataset.error)
    return (
      <>
        <PageHeader title={t("title")} titleText={t("title")} back={back} />
        <ProblemNotice error={dataset.error} onRetry={() => void dataset.refetch()} />
      </>
    );
  const versions = newestFirst(dataset.data.versions);
  const version = versions.find((one) => one.id === versionId) ?? versions[0];
  const name = visible(dataset.data.name);
  return (
    <>
      <PageHeader
        back={back}
        titleText={name}
        title={<span className="foreign">{name}</span>}
        description={
          version ? (
            <span className="flex flex-wrap items-center gap-2">
              <Badge tone="outline">{t("rowCount", { count: version.rows })}</Badge>
              <Badge tone="outline">{t(`format.${version.format}`)}</Badge>
              {version.badLineCount > 0 ? (
                <Badge tone="warning">{t("leftOut", { count: version.badLineCount })}</Badge>
              ) : null}
            </span>
          ) : undefined
        }
        actions={
          <>
            {versions.length > 1 && version ? (
              <label htmlFor={id} className="flex items-center gap-2 text-muted-foreground text-xs">
                {t("version")}
                <NativeSelect
                  id={id}
                  className="w-auto text-foreground"
                  value={version.id}
                  onChange={(event) => setVersionId(event.target.value)}
                >
                  {versions.map((one) => (
                    <option key={one.id} value={one.id}>
                      {t("versionNumber", { number: one.number })}
                    </option>
                  ))}
                </NativeSelect>
              </label>
            ) : null}
            <RemoveDataset datasetId={datasetId} name={name} />
            {version ? (
              <Button asChild variant="primary">
                <Link href={`/runs/new?dataset=${version.id}`}>
                  <PlusIcon aria-hidden />
                  {t("train")}
                </Link>
              </Button>
            ) : null}
          </>
        }
      />
      {version ? (
        <Tabs defaultValue="rows">
          <TabsList aria-label={name}>
            <TabsTrigger value="rows">{t("rows")}</TabsTrigger>
            <TabsTrigger value="xray">{t("xray.title")}</TabsTrigger>
            <TabsTrigger value="versions">{t("versions")}</TabsTrigger>
          </TabsList>
          <TabsContent value="rows">
            <RowList key={version.id} versionId={version.id} total={version.rows} />
          </TabsContent>
          <TabsContent value="xray">
            <XrayPanel versionId={version.id} format={version.format} />
          </TabsContent>
          <TabsContent value="versions">
            <VersionTable versions={versions} shown={version.id} onShow={setVersionId} />
          </TabsContent>
        </Tabs>
      ) : (
        <p className="text-muted-foreground">{t("noVersions")}</p>
      )}
    </>
  );
}
