"use client";
import { useQuery } from "@tanstack/react-query";
import { BoxesIcon, FilterXIcon, PlusIcon } from "lucide-react";
import { usePathname } from "next/navigation";
import { useTranslations } from "next-intl";
import { useState } from "react";
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
import { ModelTable } from "./model-table.tsx";
import { byUse, type ModelFilter, matchesModel, modelFilters, readModelFilter } from "./models.ts";
import { RegisterDialog } from "./register-dialog.tsx";

export function ModelsPage() {
  const t = useTranslations("models");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const pathname = usePathname();
  const models = useQuery(trpc.models.list.queryOptions());
  const [filter, setFilter] = useUrlState("from", readModelFilter);
  const [search, setSearch] = useUrlText("q");
  const [registering, setRegistering] = useState<string | null>(null);
  const all = models.data ?? [];
  const shown = all.filter((model) => matchesModel(model, filter, search)).sort(byUse);
  const add = (
    <Button variant="primary" onClick={() => setRegistering("")}>
      <PlusIcon aria-hidden />
      {t("add")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} titleText={t("title")} description={t("description")} actions={add} />
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterChips<ModelFilter>
          label={t("filter.label")}
          value={filter}
          options={modelFilters.map((name) => ({
            value: name,
            label: t(`filter.${name}`),
            ...(models.data ? { count: models.data.filter((model) => matchesModel(model, name, "")).length } : {}),
          }))}
          onChange={setFilter}
        />
        <SearchBox label={t("search")} value={search} onChange={setSearch} className="w-full sm:ml-auto sm:w-72" />
      </div>
      <Card>
        {models.isPending ? (
          <SkeletonRows label={common("loading")} />
        ) : models.isError ? (
          <div className="p-4">
            <ProblemNotice error={models.error} onRetry={() => void models.refetch()} />
          </div>
        ) : shown.length > 0 ? (
          <ModelTable models={shown} onRegister={setRegistering} />
        ) : all.length === 0 ? (
          <EmptyState icon={BoxesIcon} title={t("empty")} action={add}>
            {t("emptyBody")}
          </EmptyState>
        ) : (
          <EmptyState
            icon={FilterXIcon}
            title={t("emptyFilter")}
            action={<Button onClick={() => window.history.replaceState(null, "", pathname)}>{t("clearSearch")}</Button>}
          >
            {t("emptyFilterBody")}
          </EmptyState>
        )}
      </Card>
      <RegisterDialog start={registering} onClose={() => setRegistering(null)} />
    </>
  );
}
