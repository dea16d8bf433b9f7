"use client";
import { useQuery } from "@tanstack/react-query";
import { CheckIcon, MessagesSquareIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useMemo, useState } from "react";
import { EmptyState } from "../../components/empty-state.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Card } from "../../components/ui/card.tsx";
import { NativeSelect } from "../../components/ui/input.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { cn } from "../../lib/cn.ts";
import { visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { exactAt, groupAnswers, isExact, type PromptAnswers } from "./answers.ts";

// The same questions answered at two points of the training, beside what was expected.
export function AnswersPanel({ runId }: { runId: string }) {
  const t = useTranslations("run.answers");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const samples = useQuery(trpc.runs.samples.queryOptions({ runId }));
  const { steps, prompts } = useMemo(() => groupAnswers(samples.data ?? []), [samples.data]);
  // Not chosen: the first against the newest, so that the page follows the run.
  const [left, setLeft] = useState<number | null>(null);
  const [right, setRight] = useState<number | null>(null);
  const first = steps.find((step) => step === left) ?? steps[0] ?? 0;
  const second = steps.find((step) => step === right) ?? steps.at(-1) ?? 0;

  if (samples.isPending)
    return (
      <Card>
        <SkeletonRows label={common("loading")} />
      </Card>
    );
  if (samples.isError) return <ProblemNotice error={samples.error} onRetry={() => void samples.refetch()} />;
  if (steps.length === 0)
    return (
      <Card>
        <EmptyState icon={MessagesSquareIcon} title={t("empty")}>
          {t("emptyBody")}
        </EmptyState>
      </Card>
    );

  const choices = steps.map((step) => (
    <option key={step} value={step}>
      {`${t("step", { step })} (${exactAt(prompts, step)}/${prompts.length})`}
    </option>
  ));
  const shownSteps = first === second ? [second] : [first, second];
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2 text-sm">
        <label htmlFor="answers-compare">{t("compare")}</label>
        <NativeSelect
          id="answers-compare"
          className="w-auto"
          value={first}
          onChange={(event) => setLeft(Number(event.target.value))}
        >
          {choices}
        </NativeSelect>
        <label htmlFor="answers-with">{t("with")}</label>
        <NativeSelect
          id="answers-with"
          className="w-auto"
          value={second}
          onChange={(event) => setRight(Number(event.target.value))}
        >
          {choices}
        </NativeSelect>
      </div>
      <ul className="space-y-3">
        {prompts.map((entry) => (
          <li key={entry.prompt}>
            <PromptCard entry={entry} steps={shownSteps} />
          </li>
        ))}
      </ul>
    </>
  );
}

function PromptCard({ entry, steps }: { entry: PromptAnswers; steps: readonly number[] }) {
  const t = useTranslations("run.answers");
  return (
    <Card className="p-4">
      <p className="text-muted-foreground text-xs">{t("prompt")}</p>
      <p className="foreign mb-3 font-medium">{visible(entry.prompt)}</p>
      <dl className="grid gap-3 md:grid-cols-3">
        {entry.expected === null ? null : (
          <div className="min-w-0">
            <dt className="mb-1 text-muted-foreground text-xs">{t("expected")}</dt>
            <dd className="foreign rounded-md bg-muted px-2.5 py-2 text-sm">{visible(entry.expected)}</dd>
          </div>
        )}
        {steps.map((step) => {
          const answer = entry.at.get(step);
          const exact = isExact(answer, entry.expected);
          return (
            <div key={step} className="min-w-0">
              <dt className="mb-1 flex items-center gap-2 text-muted-foreground text-xs">
                {t("step", { step })}
                {answer?.adapter ? <span>{t("adapter", { name: visible(answer.adapter) })}</span> : null}
                {answer?.cut ? <Badge tone="warning">{t("cut")}</Badge> : null}
                {exact ? (
                  <Badge tone="success">
                    <CheckIcon aria-hidden />
                    {t("exact")}
                  </Badge>
                ) : null}
              </dt>
              <dd
                className={cn(
                  "foreign rounded-md border px-2.5 py-2 text-sm",
                  exact && "border-success/50 bg-success-soft",
                )}
              >
                {answer?.thought ? (
                  <details className="mb-1 text-muted-foreground text-xs">
                    <summary>{t("thought")}</summary>
                    {visible(answer.thought)}
                  </details>
                ) : null}
                {answer?.text ? visible(answer.text) : <span className="text-muted-foreground">{t("nothing")}</span>}
              </dd>
            </div>
          );
        })}
      </dl>
    </Card>
  );
}
