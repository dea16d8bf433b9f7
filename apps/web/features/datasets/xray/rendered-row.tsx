"use client";
import type { RenderedRow as Row, TokenSpan } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { Badge } from "../../../components/ui/badge.tsx";
import { cn } from "../../../lib/cn.ts";
import { visible } from "../../../lib/format.ts";
import { SideBadge } from "../conversation.tsx";
import { joinTrained } from "./spans.ts";

// One conversation exactly as the model sees it. Trained runs have a ground, a line below and a mark for screen readers: never colour alone.
export function RenderedRow({ row }: { row: Row }) {
  const t = useTranslations("datasets.xray");
  const sides = useTranslations("datasets.side");
  return (
    <article
      aria-label={row.side ? `${t("row", { row: row.row + 1 })}, ${sides(row.side)}` : t("row", { row: row.row + 1 })}
      className="space-y-1.5 px-4 py-3"
    >
      <p className="tabular flex flex-wrap items-center gap-2 text-muted-foreground text-xs">
        <span className="font-medium text-foreground">{t("row", { row: row.row + 1 })}</span>
        {row.side ? <SideBadge side={row.side} /> : null}
        {t("tokensTrained", { trained: row.supervisedTokens, tokens: row.tokens })}
        {row.truncated ? <Badge tone="warning">{t("truncated")}</Badge> : null}
        {row.unfollowed ? <Badge tone="warning">{t("unfollowed")}</Badge> : null}
        {row.supervisedTokens === 0 ? <Badge tone="danger">{t("noLoss")}</Badge> : null}
      </p>
      <p className="foreign rounded-md bg-muted/50 px-2.5 py-2 font-mono text-xs leading-6">
        {joinTrained(row.spans).map((span, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: spans have no identity but their place
          <Span key={i} span={span} />
        ))}
      </p>
    </article>
  );
}

function Span({ span }: { span: TokenSpan }) {
  const t = useTranslations("datasets.xray");
  const title = t(span.trained ? "trainedSpan" : "ignoredSpan", { tokens: span.tokens });
  if (!span.trained)
    return (
      <span title={title} className={cn(span.fromUser ? "text-foreground" : "text-muted-foreground")}>
        {withBreaks(span.text)}
      </span>
    );
  return (
    <mark
      title={title}
      data-trained
      className="rounded-xs border-success border-b-2 bg-trained box-decoration-clone text-trained-foreground"
    >
      <span className="sr-only">{t("trainedStart")} </span>
      {withBreaks(span.text)}
      <span className="sr-only"> {t("trainedEnd")}</span>
    </mark>
  );
}

// A line break that is a token is shown as one.
const withBreaks = (text: string) => visible(text).replaceAll("\n", "↵\n");

export function XrayLegend() {
  const t = useTranslations("datasets.xray");
  return (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs">
      <span>
        <mark className="rounded-xs border-success border-b-2 bg-trained px-1 font-mono text-trained-foreground">
          abc
        </mark>{" "}
        {t("legendTrained")}
      </span>
      <span>
        <span className="rounded-xs bg-muted px-1 font-mono">abc</span> {t("legendIgnored")}
      </span>
      <span>
        <span className="rounded-xs bg-muted px-1 font-mono text-muted-foreground">abc</span> {t("legendTemplate")}
      </span>
    </span>
  );
}
