"use client";
import { BaseModelRef, type ModelSummary, wordsOf } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { useFormatter, useTranslations } from "next-intl";
import { type ReactNode, useMemo, useState } from "react";
import { Combobox } from "../../components/combobox.tsx";
import { Field } from "../../components/field.tsx";
import { useWords } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Input } from "../../components/ui/input.tsx";
import { formatBytes, formatCount, visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { modelOptions } from "./model-options.ts";

// Chooses a base model among those that Anneal knows, or takes a name or path by hand. Models that cannot be trained are
// shown with the reason, not hidden.
export function BasePicker({
  id,
  label,
  hint,
  error,
  required = false,
  value,
  onChange,
}: {
  id: string;
  label: ReactNode;
  hint?: ReactNode;
  error?: string | undefined;
  required?: boolean;
  value: string;
  onChange: (ref: string) => void;
}) {
  const t = useTranslations("newRun.base");
  const words = useWords();
  const format = useFormatter();
  const trpc = useTRPC();
  const models = useQuery(trpc.models.list.queryOptions());
  const [byHand, setByHand] = useState(false);
  const [draft, setDraft] = useState("");
  const listed = models.data?.find((model) => model.ref === value);
  const manual = byHand || (value !== "" && models.data !== undefined && !listed);
  const inspected = useQuery(
    trpc.models.inspect.queryOptions(
      { ref: value },
      { enabled: manual && BaseModelRef.safeParse(value).success, retry: false },
    ),
  );
  const model = listed ?? (manual ? inspected.data : undefined);
  const options = useMemo(
    () =>
      modelOptions(models.data ?? [], {
        group: (group) => t(`source.${group}`),
        refused: (one) => words(wordsOf(one, "unsupportedReason") ?? t("unsupported")),
        when: (iso) => format.dateTime(new Date(iso), { dateStyle: "medium", timeStyle: "short" }),
      }).map((option) => ({
        ...option,
        label: visible(option.label),
        ...(option.note ? { note: visible(option.note) } : {}),
      })),
    [models.data, t, words, format],
  );
  const unsupported = (models.data ?? []).filter((one) => !one.supported);
  return (
    <div className="min-w-0 space-y-2">
      <Field id={id} label={label} hint={hint} error={error} required={required}>
        {(aria) => (
          <Combobox
            aria={aria}
            value={value}
            valueText={inspected.data ? visible(inspected.data.name) : visible(value)}
            placeholder={models.isPending ? t("loading") : t("choose")}
            options={options}
            onChange={(ref) => {
              setByHand(false);
              onChange(ref);
            }}
            typed={(search) => ({
              label: BaseModelRef.safeParse(search).success ? t("useTyped", { ref: visible(search) }) : t("other"),
              choose: () => {
                const ref = BaseModelRef.safeParse(search);
                setByHand(true);
                setDraft(ref.success ? ref.data : value);
                if (ref.success) onChange(ref.data);
              },
            })}
          />
        )}
      </Field>
      {manual ? (
        <Field id={`${id}-typed`} label={t("typed")} hint={t("typedHint")}>
          {(aria) => (
            <Input
              {...aria}
              className="font-mono text-xs"
              value={byHand ? draft : value}
              spellCheck={false}
              autoComplete="off"
              placeholder="ollama:smollm2:135m"
              onChange={(event) => {
                setByHand(true);
                setDraft(event.target.value);
                onChange(event.target.value.trim());
              }}
            />
          )}
        </Field>
      ) : null}
      {models.error ? <ProblemNotice error={models.error} onRetry={() => void models.refetch()} /> : null}
      {manual && inspected.error ? <ProblemNotice error={inspected.error} /> : null}
      {model ? <ModelLine model={model} /> : null}
      {!value && models.data?.length === 0 ? <p className="text-muted-foreground text-xs">{t("none")}</p> : null}
      {!value && unsupported.length > 0 ? (
        <details className="text-xs">
          <summary className="w-fit text-muted-foreground">{t("whyNot", { count: unsupported.length })}</summary>
          <ul className="mt-1 space-y-1">
            {unsupported.map((one) => (
              <li key={one.ref} className="foreign">
                <span className="font-medium">{visible(one.name)}</span>:{" "}
                {words(wordsOf(one, "unsupportedReason") ?? t("unsupported"))}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </div>
  );
}

function ModelLine({ model }: { model: ModelSummary }) {
  const t = useTranslations("newRun.base");
  const words = useWords();
  const { facts } = model;
  if (!model.supported)
    return (
      <p className="foreign text-destructive text-xs">
        {words(wordsOf(model, "unsupportedReason") ?? t("unsupported"))}
      </p>
    );
  if (!facts) return null;
  return (
    <p className="tabular text-muted-foreground text-xs">
      {[
        facts.family,
        t("parameters", { count: formatCount(facts.parameters) }),
        facts.quantisation,
        t("layers", { count: facts.layers }),
        t("context", { tokens: facts.contextTokens }),
        formatBytes(facts.fileBytes),
      ].join(" · ")}
      {facts.hasChatTemplate ? "" : ` · ${t("noTemplate")}`}
    </p>
  );
}
