"use client";
import { type RunDetail, type StageState, stageStates } from "@anneal/contracts";
import { BanIcon, CheckIcon, type LucideIcon, MinusIcon, PauseIcon, XIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { cn } from "../../lib/cn.ts";

const looks: Record<StageState, { bar: string; icon?: LucideIcon; tone?: string }> = {
  waiting: { bar: "" },
  notReached: { bar: "" },
  current: { bar: "bg-primary" },
  done: { bar: "bg-success", icon: CheckIcon, tone: "text-success" },
  skipped: { bar: "", icon: MinusIcon, tone: "text-muted-foreground" },
  paused: { bar: "bg-warning", icon: PauseIcon, tone: "text-warning" },
  failed: { bar: "bg-destructive", icon: XIcon, tone: "text-destructive" },
  stopped: { bar: "bg-input", icon: BanIcon, tone: "text-muted-foreground" },
};
const outstanding: readonly StageState[] = ["current", "paused", "failed", "stopped"];

// The stages in order and what became of each. On a narrow screen the names stand below each other, as a row would cut them.
export function StageBar({ run }: { run: RunDetail }) {
  const t = useTranslations("run.progress");
  const names = useTranslations("runs.stage");
  const shareOf = (stage: string, state: StageState) => {
    if (state === "done") return 1;
    if (!outstanding.includes(state)) return 0;
    if (stage === run.progress?.stage && stage !== "publish") return run.progress.fraction;
    return state === "current" ? (run.publications[0]?.fraction ?? 0) : 1;
  };
  return (
    <ol aria-label={t("stages")} className="grid grid-cols-3 gap-x-1.5 gap-y-2 sm:grid-cols-6">
      {stageStates(run).map(({ stage, state }) => {
        const { bar, icon: Icon, tone } = looks[state];
        return (
          <li
            key={stage}
            aria-current={state === "current" ? "step" : undefined}
            data-stage={stage}
            data-state={state}
            className="min-w-0"
          >
            <div className={cn("h-1.5 overflow-hidden rounded-full bg-muted", state === "skipped" && "opacity-50")}>
              <div
                className={cn("h-full rounded-full transition-[width] duration-300", bar)}
                style={{ width: `${shareOf(stage, state) * 100}%` }}
              />
            </div>
            <p
              className={cn(
                "mt-1 flex items-center gap-1 text-xs",
                outstanding.includes(state) ? "font-medium" : "text-muted-foreground",
              )}
            >
              {Icon ? <Icon className={cn("size-3 shrink-0", tone)} aria-hidden /> : null}
              <span className={cn("truncate", state === "failed" && "text-destructive")}>{names(stage)}</span>
              <span className={state === "done" || state === "waiting" || state === "current" ? "sr-only" : "truncate"}>
                {t(`stageState.${state}`)}
              </span>
            </p>
          </li>
        );
      })}
    </ol>
  );
}
