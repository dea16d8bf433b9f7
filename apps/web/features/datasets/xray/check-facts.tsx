"use client";
import type { DatasetCheck } from "@anneal/contracts";
import { CircleAlertIcon, CircleCheckIcon, TriangleAlertIcon } from "lucide-react";
import { useFormatter, useTranslations } from "next-intl";
import { Stat } from "../../../components/facts.tsx";
import { cn } from "../../../lib/cn.ts";
import { formatCount, formatPercent } from "../../../lib/format.ts";

export function CheckFacts({ check, className }: { check: DatasetCheck; className?: string }) {
  const t = useTranslations("datasets.xray");
  const format = useFormatter();
  const share = check.tokens > 0 ? check.supervisedTokens / check.tokens : 0;
  return (
    <dl
      className={cn("grid grid-cols-2 divide-border rounded-lg border bg-card sm:grid-cols-4 sm:divide-x", className)}
    >
      <Stat label={t("rows")} value={format.number(check.rows)} />
      <Stat
        label={t("allTokens")}
        value={formatCount(check.tokens)}
        note={t("longest", { tokens: check.longestTokens })}
      />
      <Stat label={t("trainedTokens")} value={formatCount(check.supervisedTokens)} note={formatPercent(share)} />
      <Stat
        label={t("trouble")}
        value={format.number(check.troubledRows)}
        note={t("troubleNote", {
          truncated: check.truncatedRows,
          zero: check.zeroTargetRows,
          unfollowed: check.unfollowedRows,
        })}
      />
    </dl>
  );
}

// What the counts mean, in a sentence.
export function CheckVerdict({ check }: { check: DatasetCheck }) {
  const t = useTranslations("datasets.xray");
  if (check.supervisedTokens === 0)
    return (
      <p role="alert" className="flex gap-2 rounded-md bg-destructive-soft px-3 py-2 text-destructive text-sm">
        <CircleAlertIcon className="mt-0.5 size-4 shrink-0" aria-hidden />
        {t("nothingTrained")}
      </p>
    );
  if (check.troubledRows > 0)
    return (
      <p className="flex gap-2 rounded-md bg-warning-soft px-3 py-2 text-sm text-warning">
        <TriangleAlertIcon className="mt-0.5 size-4 shrink-0" aria-hidden />
        <span>
          {check.truncatedRows > 0 ? t("someTruncated", { count: check.truncatedRows }) : null}{" "}
          {check.zeroTargetRows > 0 ? t("someZero", { count: check.zeroTargetRows }) : null}{" "}
          {check.unfollowedRows > 0
            ? t("someUnfollowed", {
                count: check.unfollowedRows,
                rows: check.firstUnfollowed.map((row) => row + 1).join(", "),
              })
            : null}
        </span>
      </p>
    );
  return (
    <p className="flex gap-2 rounded-md bg-success-soft px-3 py-2 text-sm text-success">
      <CircleCheckIcon className="mt-0.5 size-4 shrink-0" aria-hidden />
      {t("allGood")}
    </p>
  );
}
