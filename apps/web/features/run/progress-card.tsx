"use client";
import { type RunDetail, wordsOf } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useWords } from "../../components/phrases.tsx";
import { useDurations } from "../../components/time.tsx";
import { Card } from "../../components/ui/card.tsx";
import { formatPercent, visible } from "../../lib/format.ts";
import { elapsedSeconds } from "../runs/filters.ts";
import { wholeFraction } from "../runs/progress.ts";
import { isFinal, isMoving } from "../runs/run-actions.ts";
import { useNowMilliseconds } from "../runs/use-now.ts";
import { StageBar } from "./stage-bar.tsx";

export function ProgressCard({ run }: { run: RunDetail }) {
  const t = useTranslations("run.progress");
  const words = useWords();
  const { duration } = useDurations();
  const runs = useTranslations("runs");
  const moving = isMoving(run.status);
  const now = useNowMilliseconds(1, moving);
  const elapsed = now === null ? null : elapsedSeconds(run, now);
  const fraction = wholeFraction(run);
  const { progress } = run;
  const parts: string[] = [];
  if (run.status === "queued")
    parts.push(run.queuePosition ? runs("queuePosition", { position: run.queuePosition }) : t("queued"));
  else if (progress && !isFinal(run.status)) {
    parts.push(runs(`stage.${progress.stage}`));
    if (progress.stage === "train") parts.push(runs("step", { step: progress.step, total: progress.totalSteps }));
  } else if (progress && run.status !== "succeeded")
    parts.push(runs(`stage.${progress.stage}`), runs("stepsDone", { step: progress.step, total: progress.totalSteps }));
  if (run.workerName && moving) parts.push(t("worker", { name: visible(run.workerName) }));

  return (
    <Card className="space-y-3 p-4" data-testid="progress">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <p className="tabular flex min-w-0 flex-wrap items-baseline gap-x-2.5 text-sm">
          {fraction === null ? null : <span className="font-semibold text-lg">{formatPercent(fraction, 0)}</span>}
          <span className="text-muted-foreground">{parts.join(" · ")}</span>
        </p>
        <p className="tabular text-muted-foreground text-sm">
          {elapsed === null ? null : t(isFinal(run.status) ? "finished" : "elapsed", { duration: duration(elapsed) })}
          {moving && progress?.etaSeconds ? (
            <>
              {" · "}
              <span className="font-medium text-foreground">
                {t("eta", { duration: duration(progress.etaSeconds) })}
              </span>
            </>
          ) : null}
        </p>
      </div>
      <div
        role="progressbar"
        aria-label={t("label")}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(fraction === null ? {} : { "aria-valuenow": Math.round(fraction * 100) })}
      >
        <StageBar run={run} />
      </div>
      {progress?.note && !isFinal(run.status) ? (
        <p className="foreign text-muted-foreground text-xs">{words(wordsOf(progress, "note") ?? "")}</p>
      ) : null}
    </Card>
  );
}
