"use client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
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
import { useDebounced } from "../../lib/use-debounced.ts";
import { useUrlState, useUrlText } from "../../lib/use-url-state.ts";
import { useLive } from "../live/live-provider.tsx";
import { NoWorkerNotice } from "../shell/no-worker-notice.tsx";
import { countOf, filterNames, type RunFilter, readFilter, runFilters } from "./filters.ts";
import { RunCards } from "./run-cards.tsx";
import { RunTable } from "./run-table.tsx";

const pageRows = 50;

export function RunsPage() {
  const t = useTranslations("runs");
  const common = useTranslations("common");
  const nav = useTranslations("nav");
  const [filter, setFilter] = useUrlState("status", readFilter);
  const [search, setSearch] = useUrlText("q");
  const sought = useDebounced(search.trim(), 200);
  const { connection } = useLive();
  const trpc = useTRPC();
  const status = runFilters[filter];
  // Live changes come through LiveProvider; while its stream is away, and only then, the list looks for itself.
  const runs = useInfiniteQuery(
    trpc.runs.list.infiniteQueryOptions(
      { limit: pageRows, ...(status ? { status: [...status] } : {}), ...(sought ? { search: sought } : {}) },
      {
        getNextPageParam: (page) => page.nextCursor ?? undefined,
        refetchInterval: connection === "live" ? false : 15_000,
        placeholderData: keepPreviousData,
      },
    ),
  );
  const shown = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const counts = runs.data?.pages[0]?.counts;
  const total = countOf(filter, counts);
  const untouched = filter === "all" && sought === "";
  const none = runs.isSuccess && !runs.isPlaceholderData && shown.length === 0;

  return (
    <>
      <PageHeader
        title={t("title")}
        titleText={t("title")}
        description={t("description")}
        actions={
          none && untouched ? null : (
            // Where the sidebar stands beside the page, it has this button already.
            <Button asChild variant="primary" className="md:hidden">
              <Link href="/runs/new">
                <PlusIcon aria-hidden />
                {nav("newRun")}
              </Link>
            </Button>
          )
        }
      />
      <NoWorkerNotice to="train" className="mb-3" />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterChips<RunFilter>
          label={t("filters.label")}
          value={filter}
          options={filterNames.map((name) => {
            const count = countOf(name, counts);
            return { value: name, label: t(`filters.${name}`), ...(count === undefined ? {} : { count }) };
          })}
          onChange={setFilter}
        />
        <SearchBox label={t("search")} value={search} onChange={setSearch} className="w-full sm:ml-auto sm:w-72" />
      </div>
      {runs.isError && shown.length > 0 && !runs.isFetchNextPageError ? (
        <ProblemNotice error={runs.error} onRetry={() => void runs.refetch()} className="mb-3" tone="warning" />
      ) : null}
      <Card aria-busy={runs.isPlaceholderData}>
        {runs.isPending ? (
          <SkeletonRows label={common("loading")} />
        ) : shown.length > 0 ? (
          <>
            <RunTable runs={shown} />
            <RunCards runs={shown} />
          </>
        ) : runs.isError ? (
          <div className="p-4">
            <ProblemNotice error={runs.error} onRetry={() => void runs.refetch()} />
          </div>
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
      {runs.isFetchNextPageError ? (
        <ProblemNotice
          error={runs.error}
          heading={t("loadFailed")}
          onRetry={() => void runs.fetchNextPage()}
          className="mt-3"
        />
      ) : runs.hasNextPage ? (
        <div className="mt-3 flex flex-wrap items-center justify-center gap-3">
          <Button onClick={() => void runs.fetchNextPage()} disabled={runs.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
          {total === undefined ? null : (
            <span className="tabular text-muted-foreground text-xs">
              {t("showing", { shown: shown.length, total })}
            </span>
          )}
        </div>
      ) : null}
    </>
  );
}
