"use client";
import type { RunDetail } from "@anneal/contracts";
import { CheckIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { cn } from "../../lib/cn.ts";
import { stages } from "../runs/progress.ts";

// The stages in order: what is done, what goes on, what is to come.
export function StageBar({ run }: { run: Pick<RunDetail, "status" | "progress"> }) {
  const t = useTranslations("run.progress");
  const names = useTranslations("runs.stage");
  const current = run.status === "succeeded" ? stages.length : run.progress ? stages.indexOf(run.progress.stage) : -1;
  return (
    <ol aria-label={t("stages")} className="grid grid-cols-6 gap-1.5">
      {stages.map((stage, i) => {
        const state = i < current ? "done" : i === current ? "current" : "todo";
        const share = state === "done" ? 1 : state === "current" ? (run.progress?.fraction ?? 0) : 0;
        return (
          <li key={stage} aria-current={state === "current" ? "step" : undefined} className="min-w-0">
            <div className="h-1.5 overflow-hidden rounded-full bg-muted">
              <div
                className={cn(
                  "h-full rounded-full transition-[width] duration-300",
                  run.status === "succeeded" ? "bg-success" : run.status === "failed" ? "bg-destructive" : "bg-primary",
                )}
                style={{ width: `${share * 100}%` }}
              />
            </div>
            <p
              className={cn(
                "mt-1 flex items-center gap-1 truncate text-[0.6875rem] sm:text-xs",
                state === "current" ? "font-medium" : "text-muted-foreground",
              )}
            >
              {state === "done" ? <CheckIcon className="size-3 shrink-0 text-success" aria-hidden /> : null}
              <span className="truncate">{names(stage)}</span>
              <span className="sr-only">{t(`stageState.${state}`)}</span>
            </p>
          </li>
        );
      })}
    </ol>
  );
}
