"use client";
import { useQueries } from "@tanstack/react-query";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useFormatter, useTranslations } from "next-intl";
import { useEffect, useId, useRef, useState } from "react";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Card } from "../../../components/ui/card.tsx";
import { Input } from "../../../components/ui/input.tsx";
import { Skeleton } from "../../../components/ui/skeleton.tsx";
import { useTRPC } from "../../../lib/trpc.ts";
import { Conversation } from "../conversation.tsx";
import { pagesFor } from "./pages.ts";

const pageRows = 100;

// Rows as one long list, however many there are: only those in sight are drawn, and only their pages are asked for.
export function RowList({ versionId, total }: { versionId: string; total: number }) {
  const t = useTranslations("datasets");
  const format = useFormatter();
  const trpc = useTRPC();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [whole, setWhole] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => setMargin(list.current?.offsetTop ?? 0), []);

  const virtualizer = useWindowVirtualizer({ count: total, estimateSize: () => 76, overscan: 8, scrollMargin: margin });
  const items = virtualizer.getVirtualItems();
  const pages = pagesFor(
    items.map(({ index }) => index),
    pageRows,
  );
  const answers = useQueries({
    queries: pages.map((page) =>
      trpc.datasets.rows.queryOptions(
        { versionId, offset: page * pageRows, limit: pageRows },
        { staleTime: Number.POSITIVE_INFINITY }, // a version never changes
      ),
    ),
  });
  const byPage = new Map(pages.map((page, i) => [page, answers[i]?.data?.rows]));
  const failed = answers.find((answer) => answer.error);

  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center justify-between gap-2 text-muted-foreground text-xs">
        <p>{t("rowCount", { count: total })}</p>
        <form
          className="flex items-center gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            const wanted = Number(new FormData(event.currentTarget).get("row"));
            if (wanted >= 1) virtualizer.scrollToIndex(Math.min(total, Math.floor(wanted)) - 1, { align: "start" });
          }}
        >
          <label htmlFor={id}>{t("goToRow")}</label>
          <Input id={id} name="row" type="number" min={1} max={total} className="w-24 text-foreground" />
          <Button type="submit">{t("go")}</Button>
        </form>
      </div>
      {failed ? <ProblemNotice error={failed.error} onRetry={() => void failed.refetch()} /> : null}
      <Card>
        {/* biome-ignore lint/a11y/useSemanticElements: a virtual list is placed by hand; ul would count only what is drawn */}
        <div
          ref={list}
          role="list"
          aria-label={t("rows")}
          className="relative"
          style={{ height: virtualizer.getTotalSize() }}
        >
          {items.map((item) => {
            const row = byPage.get(Math.floor(item.index / pageRows))?.[item.index % pageRows];
            const open = whole.has(item.index);
            return (
              // biome-ignore lint/a11y/useSemanticElements: see above
              <div
                key={item.key}
                ref={virtualizer.measureElement}
                data-index={item.index}
                role="listitem"
                aria-setsize={total}
                aria-posinset={item.index + 1}
                className="absolute top-0 left-0 flex w-full gap-3 border-b px-3 py-2.5 sm:px-4"
                style={{ transform: `translateY(${item.start - virtualizer.options.scrollMargin}px)` }}
              >
                <button
                  type="button"
                  className="tabular h-6 w-9 shrink-0 rounded text-right text-muted-foreground text-xs hover:text-foreground hover:underline sm:w-12"
                  aria-expanded={open}
                  aria-label={t(open ? "showLess" : "showWhole", { row: item.index + 1 })}
                  onClick={() =>
                    setWhole((old) => {
                      const next = new Set(old);
                      if (!next.delete(item.index)) next.add(item.index);
                      return next;
                    })
                  }
                >
                  {format.number(item.index + 1)}
                </button>
                <div className="min-w-0 flex-1">
                  {row ? <Conversation row={row} whole={open} /> : <Skeleton className="h-12 w-full" />}
                </div>
              </div>
            );
          })}
        </div>
      </Card>
    </div>
  );
}
