"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { FilterXIcon, FlameIcon, PlusIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { EmptyState } from "../../components/empty-state.tsx";
import { FilterChips } from "../../components/filter-chips.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { SearchBox } from "../../components/search-box.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { useTRPC } from "../../lib/trpc.ts";
import { useUrlState, useUrlText } from "../../lib/use-url-state.ts";
import { filterNames, matchesSearch, type RunFilter, readFilter, runFilters } from "./filters.ts";
import { RunCards } from "./run-cards.tsx";
import { RunTable } from "./run-table.tsx";

export function RunsPage() {
  const t = useTranslations("runs");
  const common = useTranslations("common");
  const nav = useTranslations("nav");
  const [filter, setFilter] = useUrlState("status", readFilter);
  const [search, setSearch] = useUrlText("q");
  const trpc = useTRPC();
  const status = runFilters[filter];
  // Live changes come through LiveProvider; the slow look bounds what a lost stream could hide.
  const runs = useInfiniteQuery(
    trpc.runs.list.infiniteQueryOptions(
      { limit: 50, ...(status ? { status: [...status] } : {}) },
      { getNextPageParam: (page) => page.nextCursor ?? undefined, refetchInterval: 15_000 },
    ),
  );
  const all = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = all.filter((run) => matchesSearch(run, search));
  const untouched = filter === "all" && search === "";

  return (
    <>
      <PageHeader
        title={t("title")}
        titleText={t("title")}
        description={t("description")}
        actions={
          <Button asChild variant="primary">
            <Link href="/runs/new">
              <PlusIcon aria-hidden />
              {nav("newRun")}
            </Link>
          </Button>
        }
      />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterChips<RunFilter>
          label={t("filters.label")}
          value={filter}
          options={filterNames.map((name) => ({ value: name, label: t(`filters.${name}`) }))}
          onChange={setFilter}
        />
        <SearchBox label={t("search")} value={search} onChange={setSearch} className="w-full sm:ml-auto sm:w-72" />
      </div>
      <Card>
        {runs.isPending ? (
          <SkeletonRows label={common("loading")} />
        ) : runs.isError && all.length === 0 ? (
          <div className="p-4">
            <ProblemNotice error={runs.error} onRetry={() => void runs.refetch()} />
          </div>
        ) : shown.length > 0 ? (
          <>
            <RunTable runs={shown} />
            <RunCards runs={shown} />
          </>
        ) : untouched ? (
          <EmptyState
            icon={FlameIcon}
            title={t("empty")}
            action={
              <>
                <Button asChild variant="primary">
                  <Link href="/runs/new">{t("emptyAction")}</Link>
                </Button>
                <Button asChild>
                  <Link href="/datasets">{t("emptyData")}</Link>
                </Button>
              </>
            }
          >
            {t("emptyBody")}
          </EmptyState>
        ) : (
          <EmptyState
            icon={FilterXIcon}
            title={t("emptyFilter")}
            action={
              <Button asChild>
                <Link href="/runs">{t("emptyFilterAction")}</Link>
              </Button>
            }
          >
            {t("emptyFilterBody")}
          </EmptyState>
        )}
      </Card>
      {runs.hasNextPage ? (
        <div className="mt-3 flex justify-center">
          <Button onClick={() => void runs.fetchNextPage()} disabled={runs.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      ) : null}
    </>
  );
}
