"use client";
import type { FitSuggestion, RunSpec } from "@anneal/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { PlayIcon } from "lucide-react";
import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useMemo, useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { toast } from "sonner";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { problemOf } from "../../lib/problem.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { CopyDialog } from "./copy-dialog.tsx";
import { versionOptions } from "./dataset-options.ts";
import { EvaluationGroup, KeepingGroup } from "./expert/evaluation-groups.tsx";
import { ExportGroup } from "./expert/export-group.tsx";
import { MethodGroup } from "./expert/method-group.tsx";
import { ObjectiveGroup } from "./expert/objective-group.tsx";
import { BatchGroup, LearningGroup } from "./expert/training-groups.tsx";
import { fieldId } from "./fields.tsx";
import { SpecFormProvider } from "./form-context.tsx";
import { DataCard } from "./plan/data-card.tsx";
import { PlanBadge, PlanBody } from "./plan/plan-panel.tsx";
import { PresetPicker } from "./preset-picker.tsx";
import { RequiredFields } from "./required-fields.tsx";
import { withSuggestion } from "./spec/changes.ts";
import { IdempotencyKeys } from "./spec/idempotency.ts";
import { type SpecForm, specOf } from "./spec/spec-form.ts";
import { usePlan } from "./use-plan.ts";

// A name for the model changes nothing about time and memory, so the plan does not wait for it.
function plannable(values: SpecForm): RunSpec | null {
  const whole = specOf(values);
  if (whole.ok) return whole.spec;
  if (!whole.issues.every(({ path }) => path.startsWith("publish."))) return null;
  const unpublished = specOf({ ...values, publishing: false });
  return unpublished.ok ? unpublished.spec : null;
}

export function NewRunForm({ initial }: { initial: SpecForm }) {
  const t = useTranslations("newRun");
  const trpc = useTRPC();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [keys] = useState(() => new IdempotencyKeys());
  const form = useForm<SpecForm>({ defaultValues: initial });
  // useWatch types what may not have been registered as absent; here every value is given from the start.
  const values = useWatch({ control: form.control }) as SpecForm;
  const result = useMemo(() => specOf(values), [values]);
  const spec = result.ok ? result.spec : null;
  const planState = usePlan(useMemo(() => plannable(values), [values]));
  const datasets = useQuery(trpc.datasets.list.queryOptions());
  const versions = useMemo(() => versionOptions(datasets.data ?? []), [datasets.data]);
  const named = versions.find(({ id }) => id === values.dataset);
  const create = useMutation(
    trpc.runs.create.mutationOptions({
      onSuccess: (run) => {
        toast.success(t("started", { name: run.name }));
        void queryClient.invalidateQueries({ queryKey: trpc.runs.list.pathKey() });
        router.push(`/runs/${run.id}`);
      },
    }),
  );
  const problems = useMemo(
    () => [...planState.problems, ...(create.error ? [problemOf(create.error)] : [])],
    [planState.problems, create.error],
  );
  const nothingTrained = planState.plan !== null && !planState.stale && planState.plan.data.supervisedTokens === 0;
  const refused = !planState.stale && (planState.refused !== null || planState.plan?.fits === false || nothingTrained);

  const submit = form.handleSubmit(() => {
    const now = specOf(form.getValues());
    if (!now.ok) {
      const first = now.issues[0]?.path ?? "publish.parameters";
      document.getElementById(fieldId(first))?.focus();
      return;
    }
    if (!create.isPending && !create.isSuccess)
      create.mutate({ spec: now.spec, idempotencyKey: keys.keyFor(now.spec) });
  });
  const apply = (suggestion: FitSuggestion) => {
    const next = withSuggestion(form.getValues(), suggestion.change);
    if (next) form.reset(next, { keepTouched: true, keepDefaultValues: true, keepIsSubmitted: true });
    else toast.error(t("plan.notApplied"));
  };

  return (
    <SpecFormProvider form={form} values={values} result={result} problems={problems}>
      <form
        noValidate
        onSubmit={submit}
        className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_22rem] lg:grid-rows-[auto_1fr] xl:grid-cols-[minmax(0,1fr)_26rem]"
      >
        <div className="min-w-0 space-y-5 lg:col-start-1">
          <RequiredFields versions={versions} loading={datasets.isPending} />
          {datasets.error ? <ProblemNotice error={datasets.error} onRetry={() => void datasets.refetch()} /> : null}
          <PresetPicker />
          {planState.plan ? <DataCard plan={planState.plan} maxSequenceTokens={values.maxSequenceTokens ?? 0} /> : null}
        </div>
        <Card className="min-w-0 lg:sticky lg:col-start-2 lg:row-span-2 lg:row-start-1 lg:top-16 lg:max-h-[calc(100dvh-5rem)] lg:overflow-y-auto">
          <CardHeader title={t("plan.title")} actions={<PlanBadge state={planState} />} />
          <CardBody className="space-y-4">
            <PlanBody state={planState} onApply={apply} />
            {create.error ? <ProblemNotice error={create.error} /> : null}
            <div className="flex flex-wrap gap-2 border-t pt-4">
              <Button
                type="submit"
                variant="primary"
                size="lg"
                className="flex-1"
                disabled={refused || create.isPending || create.isSuccess}
              >
                <PlayIcon aria-hidden />
                {create.isPending || create.isSuccess ? t("starting") : t("start")}
              </Button>
              <CopyDialog spec={spec} dataset={named ? `${named.name}@${named.number}` : null} />
            </div>
            <p className="text-muted-foreground text-xs">{nothingTrained ? t("nothingToTrain") : t("startNote")}</p>
          </CardBody>
        </Card>
        {/* On a narrow screen the plan and its button are pages below. */}
        <div className="sticky bottom-0 z-20 -mx-4 border-t bg-background/95 px-4 py-2.5 backdrop-blur lg:hidden">
          <Button
            type="submit"
            variant="primary"
            className="w-full"
            disabled={refused || create.isPending || create.isSuccess}
          >
            <PlayIcon aria-hidden />
            {create.isPending || create.isSuccess ? t("starting") : t("start")}
          </Button>
        </div>
        <Card className="min-w-0 lg:col-start-1">
          <CardHeader title={t("expert")} description={t("expertAbout")} />
          <div className="divide-y border-t">
            <ObjectiveGroup />
            <MethodGroup />
            <LearningGroup />
            <BatchGroup />
            <EvaluationGroup versions={versions} />
            <KeepingGroup />
            <ExportGroup />
          </div>
        </Card>
      </form>
    </SpecFormProvider>
  );
}
