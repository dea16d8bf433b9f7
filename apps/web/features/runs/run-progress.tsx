"use client";
import type { RunSummary } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useDurations } from "../../components/time.tsx";
import { Progress } from "../../components/ui/progress.tsx";
import { formatPercent } from "../../lib/format.ts";
import { wholeFraction } from "./progress.ts";
import { isMoving } from "./run-actions.ts";

// One run's bar and the words under it, as the list shows them.
export function RunProgressCell({ run }: { run: RunSummary }) {
  const t = useTranslations("runs");
  const { duration } = useDurations();
  const { status, progress } = run;
  if (status === "queued")
    return (
      <span className="text-muted-foreground text-xs">
        {run.queuePosition ? t("queuePosition", { position: run.queuePosition }) : t("waitsForWorker")}
      </span>
    );
  const fraction = wholeFraction(run);
  if (fraction === null && !isMoving(status)) return <span className="text-muted-foreground text-xs">–</span>;
  const tone =
    status === "succeeded" ? "success" : status === "failed" ? "danger" : isMoving(status) ? "primary" : "muted";
  return (
    <div className="min-w-0 space-y-1">
      <Progress value={fraction} label={t("progressOf", { name: run.name })} tone={tone} />
      {status === "succeeded" ? null : (
        <p className="tabular flex flex-wrap justify-between gap-x-3 text-muted-foreground text-xs">
          <span>
            {progress ? t(`stage.${progress.stage}`) : t("waitsForWorker")}
            {progress?.stage === "train" ? ` ${progress.step}/${progress.totalSteps}` : null}
            {fraction === null ? null : ` · ${formatPercent(fraction, 0)}`}
          </span>
          {isMoving(status) && progress?.etaSeconds ? (
            <span>{t("eta", { duration: duration(progress.etaSeconds) })}</span>
          ) : null}
        </p>
      )}
    </div>
  );
}

export function AccuracyChange({ run }: { run: Pick<RunSummary, "accuracyBefore" | "accuracyAfter"> }) {
  const t = useTranslations("runs");
  const { accuracyBefore: before, accuracyAfter: after } = run;
  if (before === null && after === null) return <span className="text-muted-foreground">–</span>;
  const shown = (value: number | null) => (value === null ? "…" : formatPercent(value));
  return (
    <span className="tabular whitespace-nowrap">
      <span className="text-muted-foreground">
        {t("accuracyChange", { before: shown(before), after: "" }).trimEnd()}{" "}
      </span>
      <span
        className={after !== null && before !== null && after > before ? "font-medium text-success" : "font-medium"}
      >
        {shown(after)}
      </span>
    </span>
  );
}
