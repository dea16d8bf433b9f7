"use client";
import { useQuery } from "@tanstack/react-query";
import { RadioTowerIcon, SearchXIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { EmptyState } from "../../components/empty-state.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { SearchBox } from "../../components/search-box.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { useTRPC } from "../../lib/trpc.ts";
import { useUrlText } from "../../lib/use-url-state.ts";
import { NoWorkerNotice } from "../shell/no-worker-notice.tsx";
import { ServedCard } from "./served-card.tsx";
import { matchesServed, servedNames } from "./served-names.ts";

// Which names Ollama serves from here, which model stands behind each, and the way back.
export function ServedPage() {
  const t = useTranslations("served");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const [search, setSearch] = useUrlText("q");
  // Changes come by the stream of all runs; the slow look finds publications whose run has been deleted.
  const deployments = useQuery(trpc.deployments.list.queryOptions(undefined, { refetchInterval: 30_000 }));
  const names = servedNames(deployments.data ?? []);
  const shown = names.filter((one) => matchesServed(one, search));
  return (
    <>
      <PageHeader title={t("title")} titleText={t("title")} description={t("about")} />
      {names.length > 0 ? (
        <SearchBox label={t("search")} value={search} onChange={setSearch} className="mb-3 w-full sm:w-72" />
      ) : null}
      {names.some(({ moving }) => moving) ? <NoWorkerNotice to="serve" className="mb-3" /> : null}
      {deployments.isError ? (
        <ProblemNotice error={deployments.error} onRetry={() => void deployments.refetch()} className="mb-3" />
      ) : null}
      {deployments.isPending ? (
        <Card>
          <SkeletonRows label={common("loading")} />
        </Card>
      ) : deployments.data && names.length === 0 ? (
        <Card>
          <EmptyState
            icon={RadioTowerIcon}
            title={t("empty")}
            action={
              <Button asChild variant="primary">
                <Link href="/runs?status=succeeded">{t("toRuns")}</Link>
              </Button>
            }
          >
            {t("emptyBody")}
          </EmptyState>
        </Card>
      ) : names.length > 0 && shown.length === 0 ? (
        <Card>
          <EmptyState icon={SearchXIcon} title={t("none")}>
            {t("noneBody")}
          </EmptyState>
        </Card>
      ) : (
        <ul className="grid items-start gap-3 xl:grid-cols-2 [&>*]:min-w-0">
          {shown.map((one) => (
            <li key={one.name}>
              <ServedCard served={one} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
