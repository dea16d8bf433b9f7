"use client";
import type { MemoryPlan } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { cn } from "../../../lib/cn.ts";
import { formatBytes, formatPercent } from "../../../lib/format.ts";
import { memoryParts, scaleOf } from "./memory-parts.ts";

const stripes = "bg-[repeating-linear-gradient(45deg,transparent_0_2px,var(--card)_2px_4px)]";

// Memory by parts, one upon the other, against the budget. The list below carries the same numbers as words.
export function MemoryBar({ memory, budgetBytes }: { memory: MemoryPlan; budgetBytes: number }) {
  const t = useTranslations("newRun.plan");
  const parts = memoryParts(memory);
  const scale = scaleOf(memory.totalBytes, budgetBytes);
  const over = memory.totalBytes > budgetBytes;
  const share = budgetBytes > 0 ? memory.totalBytes / budgetBytes : null;
  return (
    <section aria-label={t("memory")}>
      <div className="mb-1.5 flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
        <h3 className="font-medium">{t("memory")}</h3>
        <p className={cn("tabular", over && "font-medium text-destructive")}>
          {t("ofBudget", { used: formatBytes(memory.totalBytes), budget: formatBytes(budgetBytes) })}
          {share === null ? null : (
            <span className="text-muted-foreground"> · {share < 0.01 ? "< 1%" : formatPercent(share, 0)}</span>
          )}
        </p>
      </div>
      <div className="relative pb-1" aria-hidden>
        <div className="flex h-4 overflow-hidden rounded bg-muted">
          {parts.map(({ key, bytes, colour, striped }) => (
            <div
              key={key}
              // So small a part of the budget is a line, not nothing.
              className={cn("h-full min-w-px", colour, striped && stripes)}
              style={{ width: `${(bytes / scale) * 100}%` }}
              title={`${t(`part.${key}`)}: ${formatBytes(bytes)}`}
            />
          ))}
        </div>
        {budgetBytes > 0 && budgetBytes < scale * 0.999 ? (
          <div
            className="absolute -top-0.5 h-5 border-foreground border-l-2"
            style={{ left: `${(budgetBytes / scale) * 100}%` }}
          />
        ) : null}
      </div>
      <dl className="tabular mt-1 grid grid-cols-[auto_1fr_auto] items-center gap-x-2 gap-y-0.5 text-xs">
        {parts.map(({ key, bytes, colour, striped }) => (
          <div key={key} className="contents">
            <span className={cn("size-2.5 rounded-xs", colour, striped && stripes)} aria-hidden />
            <dt className="text-muted-foreground">{t(`part.${key}`)}</dt>
            <dd className="text-right">{formatBytes(bytes)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
