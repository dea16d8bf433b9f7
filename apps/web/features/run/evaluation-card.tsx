"use client";
import type { EvaluationResult, RunDetail, Verdict } from "@anneal/contracts";
import { ScaleIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { EmptyState } from "../../components/empty-state.tsx";
import { useWords } from "../../components/phrases.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { cn } from "../../lib/cn.ts";
import { formatNumber, formatPercent } from "../../lib/format.ts";
import { wilson } from "../../lib/interval.ts";

// Rows done right: answered exactly, or, of preferences, ranked right.
const rightOf = (result: EvaluationResult | null): number | null =>
  result?.exactMatches ??
  (result && result.rewardAccuracy !== null ? Math.round(result.rewardAccuracy * result.rows) : null);
// Rows that the share is of: those whose answers could be judged.
const judgedOf = ({ answers, rows }: EvaluationResult): number => answers?.judged ?? rows;
const intervalOf = (result: EvaluationResult | null) => {
  const right = rightOf(result);
  return result && right !== null ? wilson(right, judgedOf(result)) : null;
};

const tones: Record<Verdict["outcome"], "success" | "danger" | "warning" | "neutral"> = {
  better: "success",
  worse: "danger",
  mixed: "warning",
  uncertain: "warning",
  equal: "neutral",
  unmeasured: "neutral",
};

// Did it get better? The trainer's verdict, and both models on the same held-out rows, each with its interval.
export function EvaluationCard({ run }: { run: RunDetail }) {
  const t = useTranslations("run.evaluation");
  const words = useWords();
  const { evaluationBefore: before, evaluationAfter: after } = run;
  const { verdict = null } = after ?? {};
  return (
    <Card>
      <CardHeader
        title={t("title")}
        actions={
          verdict ? (
            <Badge tone={tones[verdict.outcome]} className="whitespace-normal">
              {words(verdict.headline)}
            </Badge>
          ) : null
        }
      />
      {before || after ? (
        <CardBody className="space-y-4">
          <Row label={t("before")} result={before} />
          {verdict && verdict.reasons.length + verdict.limits.length > 0 ? (
            <ul className="list-disc space-y-1 pl-4 text-sm">
              {verdict.reasons.map((reason) => (
                <li key={reason.pattern}>{words(reason)}</li>
              ))}
              {verdict.limits.map((limit) => (
                <li key={limit.pattern} className="text-warning">
                  {words(limit)}
                </li>
              ))}
            </ul>
          ) : null}
          <Row label={after?.adapter ? t("afterAdapter", { name: after.adapter }) : t("after")} result={after} strong />
        </CardBody>
      ) : (
        <EmptyState compact icon={ScaleIcon} title={t("empty")}>
          {t("emptyBody")}
        </EmptyState>
      )}
    </Card>
  );
}

function Row({ label, result, strong = false }: { label: string; result: EvaluationResult | null; strong?: boolean }) {
  const t = useTranslations("run.evaluation");
  const interval = intervalOf(result);
  const share = result?.exactMatch ?? result?.rewardAccuracy ?? null;
  const margin = result?.rewardMargin ?? null;
  return (
    <div>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p className="font-medium text-sm">{label}</p>
        <p className="tabular text-sm">
          {result === null ? (
            <span className="text-muted-foreground">{t("pending")}</span>
          ) : (
            <>
              {share === null ? null : <span className="mr-3 font-semibold text-lg">{formatPercent(share)}</span>}
              {margin === null ? null : (
                <span className="mr-3">
                  {t("margin")} {formatNumber(margin)}
                </span>
              )}
              {result.loss === null ? null : (
                <span className="text-muted-foreground">
                  {t("loss")} {formatNumber(result.loss)}
                </span>
              )}
            </>
          )}
        </p>
      </div>
      {share === null ? null : (
        <div className="relative mt-1.5 h-2.5 rounded-full bg-muted" aria-hidden>
          <div
            className={cn("h-full rounded-full", strong ? "bg-primary" : "bg-input")}
            style={{ width: `${share * 100}%` }}
          />
          {interval ? (
            <div
              className="absolute -inset-y-0.5 border-foreground border-x-2 before:absolute before:inset-x-0 before:top-1/2 before:h-0.5 before:-translate-y-1/2 before:bg-foreground"
              style={{ left: `${interval.low * 100}%`, right: `${(1 - interval.high) * 100}%` }}
            />
          ) : null}
        </div>
      )}
      {result ? (
        <p className="tabular mt-1.5 flex flex-wrap gap-x-3 text-muted-foreground text-xs">
          <span>
            {result.exactMatches === null
              ? t("rowsOnly", { rows: result.rows })
              : t("rows", { matches: result.exactMatches, rows: judgedOf(result) })}
          </span>
          {margin === null ? null : <span>{t(result.rewardAccuracy === null ? "notRewarded" : "ranked")}</span>}
          {result.answers && result.answers.cut > 0 ? (
            <span>{t("cut", { cut: result.answers.cut, asked: result.answers.asked, cap: result.answers.cap })}</span>
          ) : null}
          {result.answers && result.answers.unasked > 0 ? (
            <span>{t("unasked", { count: result.answers.unasked })}</span>
          ) : null}
          {result.unseen ? (
            <span>
              {t("unseen", {
                seen: result.unseen.seenRows,
                rows: result.unseen.rows,
                share: result.unseen.exactMatch === null ? "–" : formatPercent(result.unseen.exactMatch),
                loss: result.unseen.loss === null ? "–" : formatNumber(result.unseen.loss),
              })}
            </span>
          ) : null}
          {interval ? (
            <span>{t("interval", { low: formatPercent(interval.low), high: formatPercent(interval.high) })}</span>
          ) : null}
        </p>
      ) : null}
    </div>
  );
}
