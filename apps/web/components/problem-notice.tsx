"use client";
import { withoutField, wordsOf } from "@anneal/contracts";
import { TriangleAlertIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { cn } from "../lib/cn.ts";
import { visible } from "../lib/format.ts";
import { problemOf } from "../lib/problem.ts";
import { useWords } from "./phrases.tsx";

// An error as every surface of Anneal gives it: where, the cause, and one remedy.
export function ProblemNotice({
  error,
  onRetry,
  tone = "danger",
  heading,
  className,
  action,
}: {
  error: unknown;
  /** What has gone wrong, where the code alone would speak of a request. */
  heading?: string;
  onRetry?: () => void;
  tone?: "danger" | "warning";
  className?: string;
  action?: ReactNode;
}) {
  const t = useTranslations("problem");
  const problem = problemOf(error);
  const away = problem.code === "UNAVAILABLE" && problem.details?.unreachable === true;
  const words = useWords();
  const fields = useTranslations("spec.fields");
  const { field } = problem;
  const label = field === null ? null : `${field.replace(/^spec\./, "")}.label`;
  const title = heading ?? (away ? t("away") : t(`code.${problem.code}`));
  const message = wordsOf(problem, "message");
  const remedy = wordsOf(problem, "remedy") ?? (away ? t("awayRemedy") : null);
  return (
    <div
      role="alert"
      className={cn(
        "flex gap-2.5 rounded-md border px-3.5 py-3 text-sm",
        tone === "danger" ? "border-destructive/30 bg-destructive-soft" : "border-warning/30 bg-warning-soft",
        className,
      )}
    >
      <TriangleAlertIcon
        className={cn("mt-0.5 size-4 shrink-0", tone === "danger" ? "text-destructive" : "text-warning")}
        aria-hidden
      />
      <div className="min-w-0 flex-1 space-y-0.5">
        <p className="font-medium">
          {field && label ? t("at", { heading: title }) : title}
          {field && label ? (
            <>
              {" "}
              <code className="foreign rounded bg-background/60 px-1 font-mono text-xs" title={visible(field)}>
                {fields.has(label) ? fields(label) : visible(field)}
              </code>
            </>
          ) : null}
        </p>
        {away && !heading ? null : (
          <p className="foreign">{words(field === null ? message : withoutField(message, field))}</p>
        )}
        {remedy ? (
          <p>
            <span className="font-medium">{t("remedy")}</span> <span className="foreign">{words(remedy)}</span>
          </p>
        ) : null}
        {onRetry || action ? (
          <div className="flex gap-2 pt-1.5">
            {onRetry ? (
              <button type="button" onClick={onRetry} className="font-medium underline underline-offset-2">
                {t("retry")}
              </button>
            ) : null}
            {action}
          </div>
        ) : null}
      </div>
    </div>
  );
}
