"use client";
import type { DatasetCheck } from "@anneal/contracts";
import { useFormatter, useTranslations } from "next-intl";

// How long the rows are. The bars say nothing that the labels at their ends and the table for screen readers do not.
export function TokenHistogram({ check, maxSequenceTokens }: { check: DatasetCheck; maxSequenceTokens: number }) {
  const t = useTranslations("datasets.xray");
  const format = useFormatter();
  const bars = check.histogram;
  const highest = Math.max(1, ...bars.map(({ rows }) => rows));
  if (bars.length === 0) return null;
  const labelEvery = Math.ceil(bars.length / 12);
  return (
    <figure>
      <figcaption className="mb-1.5 text-muted-foreground text-xs">{t("histogram")}</figcaption>
      <div className="flex h-20 items-end gap-px border-b" aria-hidden>
        {bars.map(({ upToTokens, rows }) => (
          <div
            key={upToTokens}
            title={t("bar", { tokens: upToTokens, rows })}
            className={upToTokens > maxSequenceTokens ? "flex-1 bg-warning" : "flex-1 bg-chart-2"}
            style={{ height: rows === 0 ? 0 : `${Math.max(3, (rows / highest) * 100)}%` }}
          />
        ))}
      </div>
      <div className="tabular mt-0.5 flex gap-px text-muted-foreground text-xs" aria-hidden>
        {bars.map(({ upToTokens }, i) => (
          <span key={upToTokens} className="min-w-0 flex-1 overflow-hidden text-right">
            {(bars.length - 1 - i) % labelEvery === 0 ? format.number(upToTokens) : null}
          </span>
        ))}
      </div>
      <table className="sr-only">
        <caption>{t("histogram")}</caption>
        <tbody>
          {bars.map(({ upToTokens, rows }) => (
            <tr key={upToTokens}>
              <th scope="row">{t("upTo", { tokens: upToTokens })}</th>
              <td>{format.number(rows)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
