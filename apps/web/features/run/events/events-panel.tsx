"use client";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { ListTreeIcon, SearchXIcon } from "lucide-react";
import { useFormatter, useTranslations } from "next-intl";
import { Fragment, useDeferredValue, useState } from "react";
import { EmptyState } from "../../../components/empty-state.tsx";
import { FilterChips } from "../../../components/filter-chips.tsx";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { SearchBox } from "../../../components/search-box.tsx";
import { ClockTime } from "../../../components/time.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Card } from "../../../components/ui/card.tsx";
import { SkeletonRows } from "../../../components/ui/skeleton.tsx";
import { cn } from "../../../lib/cn.ts";
import { useTRPCClient } from "../../../lib/trpc.ts";
import { eventsKey } from "../use-run.ts";
import { type EventTone, type ToldType, toldTypes, toneOf } from "./event-kinds.ts";
import { useEventText } from "./use-event-text.ts";

const dots: Record<EventTone, string> = {
  neutral: "bg-input",
  info: "bg-info",
  success: "bg-success",
  warning: "bg-warning",
  danger: "bg-destructive",
};
const pageRows = 200;

// Timeline and log in one list, newest first; search and kinds are looked up on the server, over all of the run.
export function EventsPanel({ runId }: { runId: string }) {
  const t = useTranslations("run.events");
  const common = useTranslations("common");
  const format = useFormatter();
  const client = useTRPCClient();
  const textOf = useEventText();
  const [kind, setKind] = useState<ToldType | "all">("all");
  const [search, setSearch] = useState("");
  const sought = useDeferredValue(search.trim());
  const events = useInfiniteQuery({
    queryKey: [...eventsKey(runId), kind, sought],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) =>
      client.runs.events.query({
        runId,
        newestFirst: true,
        limit: pageRows,
        ...(pageParam === undefined ? {} : { beforeSeq: pageParam }),
        types: kind === "all" ? [...toldTypes] : [kind],
        ...(sought ? { search: sought } : {}),
      }),
    getNextPageParam: (last) => (last.length === pageRows ? last.at(-1)?.seq : undefined),
    placeholderData: keepPreviousData,
  });
  // A publication tells its place twice where it moved on within it: once is enough to read.
  const rows = (events.data?.pages.flat() ?? []).filter(
    ({ body }, i, all) =>
      body.type !== "deployment" ||
      all[i - 1]?.body.type !== "deployment" ||
      textOf(all[i - 1]?.body ?? body) !== textOf(body),
  );
  let day = "";

  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <FilterChips<ToldType | "all">
          label={t("show")}
          value={kind}
          options={[
            { value: "all", label: t("all") },
            ...toldTypes.map((name) => ({ value: name, label: t(`kind.${name}`) })),
          ]}
          onChange={setKind}
        />
        <SearchBox label={t("search")} value={search} onChange={setSearch} className="w-full lg:ml-auto lg:w-72" />
      </div>
      <Card>
        {events.isPending ? (
          <SkeletonRows rows={8} label={common("loading")} />
        ) : events.isError ? (
          <div className="p-4">
            <ProblemNotice error={events.error} onRetry={() => void events.refetch()} />
          </div>
        ) : rows.length === 0 ? (
          kind === "all" && sought === "" ? (
            <EmptyState icon={ListTreeIcon} title={t("empty")}>
              {t("emptyBody")}
            </EmptyState>
          ) : (
            <EmptyState icon={SearchXIcon} title={t("none")}>
              {t("noneBody")}
            </EmptyState>
          )
        ) : (
          <ol aria-label={t("label")} className="py-1.5 text-sm">
            {rows.map(({ seq, time, body }) => {
              const tone = toneOf(body);
              const dayOf = format.dateTime(new Date(time), { dateStyle: "full" });
              const newDay = dayOf !== day;
              day = dayOf;
              return (
                <Fragment key={seq}>
                  {newDay ? (
                    <li className="px-4 pt-2.5 pb-1 font-medium text-muted-foreground text-xs">{dayOf}</li>
                  ) : null}
                  <li className="grid grid-cols-[5.5rem_1fr] items-baseline gap-x-3 px-4 py-1 hover:bg-muted/50 sm:grid-cols-[5.5rem_7rem_1fr]">
                    <span className="text-muted-foreground text-xs">
                      <ClockTime iso={time} />
                    </span>
                    <span className="hidden items-center gap-2 text-muted-foreground text-xs sm:flex">
                      <span className={cn("size-2 shrink-0 rounded-full", dots[tone])} aria-hidden />
                      {t(`kind.${body.type}`)}
                    </span>
                    <span
                      className={cn(
                        "foreign min-w-0",
                        body.type === "log" && "font-mono text-xs",
                        tone === "danger" && "text-destructive",
                        tone === "warning" && body.type === "log" && "text-warning",
                      )}
                    >
                      {body.type === "log" && (body.level === "error" || body.level === "warn") ? (
                        <span className="font-semibold">{t(`level.${body.level}`)} </span>
                      ) : null}
                      {textOf(body)}
                    </span>
                  </li>
                </Fragment>
              );
            })}
          </ol>
        )}
      </Card>
      {events.hasNextPage ? (
        <div className="mt-3 flex justify-center">
          <Button disabled={events.isFetchingNextPage} onClick={() => void events.fetchNextPage()}>
            {t("older")}
          </Button>
        </div>
      ) : null}
    </>
  );
}
