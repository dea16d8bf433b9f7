"use client";
import { useQuery } from "@tanstack/react-query";
import { CheckIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { toast } from "sonner";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { cn } from "../../lib/cn.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { useSpecForm } from "./form-context.tsx";
import { hasPreset, withPreset } from "./spec/changes.ts";

// Ready sets of settings, each with when to use it. The one in force is marked; any change by hand unmarks it.
export function PresetPicker() {
  const t = useTranslations("newRun.presets");
  const trpc = useTRPC();
  const { form, values } = useSpecForm();
  const presets = useQuery(trpc.runs.presets.queryOptions(undefined, { staleTime: Number.POSITIVE_INFINITY }));
  if (presets.error) return <ProblemNotice error={presets.error} onRetry={() => void presets.refetch()} />;
  return (
    <section aria-labelledby="presets-title">
      <h2 id="presets-title" className="mb-2 font-semibold text-sm">
        {t("title")}
      </h2>
      <div className="grid gap-2 sm:grid-cols-2">
        {(presets.data ?? []).map(({ name, spec }) => {
          const active = hasPreset(values, spec);
          return (
            <button
              key={name}
              type="button"
              aria-pressed={active}
              className={cn(
                "flex items-start gap-2.5 rounded-lg border bg-card px-3.5 py-3 text-left hover:bg-accent/60",
                active && "border-primary ring-1 ring-primary",
              )}
              onClick={() => {
                const next = withPreset(form.getValues(), spec);
                if (next) form.reset(next, { keepTouched: true, keepDefaultValues: true, keepIsSubmitted: true });
                else toast.error(t("broken"));
              }}
            >
              <span
                className={cn(
                  "mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-full border",
                  active ? "border-primary bg-primary text-primary-foreground" : "border-input",
                )}
              >
                {active ? <CheckIcon className="size-3" strokeWidth={3} aria-hidden /> : null}
              </span>
              <span className="min-w-0">
                <span className="block font-medium">{t(`${name}.title`)}</span>
                <span className="block text-muted-foreground text-xs">{t(`${name}.when`)}</span>
              </span>
            </button>
          );
        })}
      </div>
    </section>
  );
}
