"use client";
import type { Names } from "@anneal/contracts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ScrollTextIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { ClockTime } from "../../components/time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { detailPairs, subjectWords } from "./audit-words.ts";
import { useOwnName } from "./use-own-name.ts";

interface AuditRow {
  id: string;
  time: string;
  actor: string;
  actorKind: string;
  actorId: string;
  action: string;
  subject: string;
  details: Record<string, unknown>;
  names: Names;
}

export function AuditPanel() {
  const t = useTranslations("settings.audit");
  const common = useTranslations("common");
  const nameOf = useOwnName();
  const trpc = useTRPC();
  const audit = useInfiniteQuery(
    trpc.system.audit.infiniteQueryOptions({ limit: 50 }, { getNextPageParam: (page) => page.nextCursor ?? undefined }),
  );
  const rows = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const columns: Column<AuditRow>[] = [
    { key: "time", header: t("time"), cell: (row) => <ClockTime iso={row.time} date /> },
    {
      key: "action",
      header: t("action"),
      place: "lead",
      cell: (row) => <code className="font-mono text-xs">{visible(row.action)}</code>,
    },
    {
      key: "actor",
      header: t("actor"),
      // A name is its owner's choice: what it is, and its number, tell two of one name apart.
      cell: (row) => (
        <>
          <span className="foreign block">{nameOf(row.actor)}</span>
          <span className="text-muted-foreground text-xs" title={row.actorId}>
            {t.has(`kinds.${row.actorKind}`) ? t(`kinds.${row.actorKind}`) : visible(row.actorKind)}{" "}
            <code className="foreign font-mono">{visible(row.actorId.slice(-8))}</code>
          </span>
        </>
      ),
    },
    {
      key: "subject",
      header: t("subject"),
      className: "max-w-72",
      cell: (row) => (
        <span className="foreign" title={visible(row.subject)}>
          {visible(subjectWords(row))}
        </span>
      ),
    },
    {
      key: "details",
      header: t("details"),
      className: "max-w-96",
      cell: (row) => <Details pairs={detailPairs(row)} whole={JSON.stringify(row.details)} />,
    },
  ];
  return (
    <>
      <Card>
        <CardHeader title={t("title")} description={t("body")} />
        {audit.isPending ? (
          <SkeletonRows label={common("loading")} />
        ) : audit.isError ? (
          <div className="p-4 pt-1">
            <ProblemNotice error={audit.error} onRetry={() => void audit.refetch()} />
          </div>
        ) : rows.length === 0 ? (
          <EmptyState icon={ScrollTextIcon} title={t("empty")}>
            {t("emptyBody")}
          </EmptyState>
        ) : (
          <DataTable label={t("table")} rows={rows} columns={columns} rowKey={(row) => row.id} />
        )}
      </Card>
      {audit.hasNextPage ? (
        <div className="mt-3 flex justify-center">
          <Button onClick={() => void audit.fetchNextPage()} disabled={audit.isFetchingNextPage}>
            {common("loadMore")}
          </Button>
        </div>
      ) : null}
    </>
  );
}

function Details({ pairs, whole }: { pairs: readonly (readonly [string, string])[]; whole: string }) {
  if (pairs.length === 0) return <span className="text-muted-foreground">–</span>;
  return (
    <dl className="flex flex-wrap gap-x-3 gap-y-0.5 text-xs" title={visible(whole)}>
      {pairs.map(([key, value]) => (
        <div key={key} className="flex min-w-0 gap-1">
          <dt className="text-muted-foreground">{visible(key)}</dt>
          <dd className="foreign min-w-0">{visible(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
