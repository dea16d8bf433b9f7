"use client";
import { type FitSuggestion, type Problem, type RunPlan, wordsOf } from "@anneal/contracts";
import { CircleAlertIcon, CircleCheckIcon, LoaderCircleIcon, WandSparklesIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useWords } from "../../../components/phrases.tsx";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { Badge } from "../../../components/ui/badge.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { cn } from "../../../lib/cn.ts";
import { formatBytes, formatNumber, formatPercent, visible } from "../../../lib/format.ts";
import { useSpecForm } from "../form-context.tsx";
import { changeWords } from "../spec/change-words.ts";
import type { PlanState } from "../use-plan.ts";
import { useSettingWords } from "../use-setting-words.ts";
import { MemoryBar } from "./memory-bar.tsx";
import { Times } from "./times.tsx";

// What the run will cost, before it starts: time, memory, disk; and what to change where it does not fit.
export function PlanBody({ state, onApply }: { state: PlanState; onApply: (suggestion: FitSuggestion) => void }) {
  const t = useTranslations("newRun.plan");
  const { values } = useSpecForm();
  const words = useWords();
  const { plan, refused, stale } = state;
  if (refused) return <ProblemNotice error={refused} onRetry={state.retry} />;
  if (!plan)
    return (
      <p className="text-muted-foreground text-sm" role="status">
        {stale ? (
          <span className="flex items-center gap-2">
            <LoaderCircleIcon className="size-4 animate-spin" aria-hidden />
            {t("computing")}
          </span>
        ) : (
          t(values.base && values.dataset ? "incomplete" : "waiting")
        )}
      </p>
    );
  return (
    <div className={cn("space-y-4", stale && "opacity-60")} aria-busy={stale}>
      <Times plan={plan} />
      {plan.problems
        .filter((problem) => !isMemory(problem))
        .map((problem) => (
          <ProblemNotice key={`${problem.code}:${problem.field}:${problem.message}`} error={problem} />
        ))}
      {plan.warnings.map((warning) => (
        <p key={`${warning.field}:${warning.message}`} className="foreign text-sm text-warning">
          {words(wordsOf(warning, "message"))}
          {warning.remedy ? <span className="block text-xs">{words(wordsOf(warning, "remedy") ?? "")}</span> : null}
        </p>
      ))}
      {plan.memory.totalBytes <= plan.budgetBytes ? (
        <Faster plan={plan} onApply={onApply} />
      ) : (
        <Suggestions plan={plan} onApply={onApply} />
      )}
      <MemoryBar memory={plan.memory} budgetBytes={plan.budgetBytes} />
      <Disk plan={plan} />
      {plan.worker ? (
        <p className="text-muted-foreground text-xs">{t("forWorker", { name: visible(plan.worker.name) })}</p>
      ) : null}
    </div>
  );
}

// That it does not fit is told once, with the ways out.
const isMemory = ({ code, details }: Problem) => code === "DOES_NOT_FIT" && details?.suggestions !== undefined;

export function PlanBadge({ state }: { state: PlanState }) {
  const t = useTranslations("newRun.plan");
  if (state.stale)
    return (
      <Badge tone="info">
        <LoaderCircleIcon className="animate-spin" aria-hidden />
        {t("computing")}
      </Badge>
    );
  if (state.refused) return <Badge tone="danger">{t("refused")}</Badge>;
  if (!state.plan) return null;
  return state.plan.fits ? (
    <Badge tone="success">
      <CircleCheckIcon aria-hidden />
      {t("fits")}
    </Badge>
  ) : (
    <Badge tone="danger">
      <CircleAlertIcon aria-hidden />
      {t("doesNotFit")}
    </Badge>
  );
}

interface Offer {
  plan: RunPlan;
  onApply: (suggestion: FitSuggestion) => void;
}

function SuggestionButton({ suggestion, onApply }: { suggestion: FitSuggestion; onApply: Offer["onApply"] }) {
  const language = useSettingWords();
  const { values } = useSpecForm();
  const words = useWords();
  const { change, totalBytes } = suggestion;
  return (
    <Button
      className="h-auto w-full justify-start whitespace-normal py-1.5 text-left"
      onClick={() => onApply(suggestion)}
    >
      <WandSparklesIcon aria-hidden />
      <span className="foreign min-w-0 flex-1">
        {words(changeWords(language, values, change) ?? wordsOf(suggestion, "words"))}
      </span>
      <span className="tabular shrink-0 text-muted-foreground text-xs">{formatBytes(totalBytes)}</span>
    </Button>
  );
}

// Room that the run leaves unused could make it faster.
function Faster({ plan, onApply }: Offer) {
  const t = useTranslations("newRun.plan");
  const { fastest } = plan;
  if (!fastest?.relativeSeconds || fastest.relativeSeconds > 0.9) return null;
  return (
    <section aria-label={t("faster")} className="space-y-1.5">
      <p className="text-sm">{t("fasterBy", { percent: formatPercent(1 - fastest.relativeSeconds, 0) })}</p>
      <SuggestionButton suggestion={fastest} onApply={onApply} />
    </section>
  );
}

function Suggestions({ plan, onApply }: Offer) {
  const t = useTranslations("newRun.plan");
  const { fastest } = plan;
  const others = plan.suggestions.filter(({ words }) => words !== fastest?.words);
  return (
    <section aria-label={t("makeItFit")} className="space-y-2 rounded-md bg-destructive-soft px-3 py-3" role="alert">
      <p className="font-medium text-sm">
        {t("tooLarge", { needed: formatBytes(plan.memory.totalBytes), budget: formatBytes(plan.budgetBytes) })}
      </p>
      {fastest ? (
        <>
          <p className="text-sm">
            {t("fastest")}
            {fastest.relativeSeconds === null
              ? null
              : ` ${t("relativeTime", { factor: formatNumber(fastest.relativeSeconds, 2) })}`}
          </p>
          <SuggestionButton suggestion={fastest} onApply={onApply} />
        </>
      ) : null}
      {others.length > 0 ? (
        <>
          <p className="text-sm">{t(fastest ? "orAnyOf" : "makeItFit")}</p>
          <ul className="space-y-1.5">
            {others.map((suggestion) => (
              <li key={suggestion.words}>
                <SuggestionButton suggestion={suggestion} onApply={onApply} />
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {fastest || others.length > 0 ? null : <p className="text-sm">{t("noSuggestion")}</p>}
    </section>
  );
}

function Disk({ plan }: { plan: RunPlan }) {
  const t = useTranslations("newRun.plan");
  const short = plan.diskBytes > plan.diskFreeBytes;
  return (
    <p className="flex flex-wrap justify-between gap-x-3 text-sm">
      <span className="font-medium">{t("disk")}</span>
      <span className={cn("tabular", short && "font-medium text-destructive")}>
        {t("ofFree", { needed: formatBytes(plan.diskBytes), free: formatBytes(plan.diskFreeBytes) })}
      </span>
    </p>
  );
}
