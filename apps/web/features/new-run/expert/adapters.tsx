"use client";
import { mostAdapters } from "@anneal/contracts";
import { PlusIcon, XIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useFieldArray } from "react-hook-form";
import { Button } from "../../../components/ui/button.tsx";
import { Input } from "../../../components/ui/input.tsx";
import { numberOf, SpecField } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { freshAdapters } from "../spec/adapters.ts";

const settings = ["rank", "alpha", "learningRate", "seed"] as const;

// Adapters side by side: a line each. An emptied setting is the run's own, which stands there in grey.
export function Adapters() {
  const fields = useTranslations("spec.fields");
  const t = useTranslations("newRun.adapters");
  const { form, values } = useSpecForm();
  const { fields: rows, append, remove } = useFieldArray({ control: form.control, name: "adapters" });
  const { rank, alpha } = values.method;
  const standard = { rank, alpha, learningRate: values.learningRate, seed: values.seed };
  // One alone is no choice: the first click makes two, and two go together.
  const add = () => append(freshAdapters(values.adapters, values.learningRate), { shouldFocus: false });
  return (
    <SpecField path="adapters" shown={() => t("none")} className="sm:col-span-2">
      {(aria) => (
        // biome-ignore lint/a11y/useSemanticElements: the field's label is tied to it by id
        <div
          role="group"
          aria-label={fields("adapters.label")}
          id={aria.id}
          aria-describedby={aria["aria-describedby"]}
          className="space-y-2"
        >
          {rows.map((row, i) => (
            <div key={row.id} className="grid grid-cols-2 items-center gap-2 sm:grid-cols-[2fr_1fr_1fr_1fr_1fr_auto]">
              <Input
                className="font-mono text-xs"
                autoComplete="off"
                placeholder={t("name")}
                aria-label={t("of", { setting: t("name"), number: i + 1 })}
                {...form.register(`adapters.${i}.name`)}
              />
              {settings.map((setting) => (
                <Input
                  key={setting}
                  className="tabular"
                  inputMode="decimal"
                  autoComplete="off"
                  title={t(setting)}
                  placeholder={`${t(setting)} ${standard[setting] ?? ""}`}
                  aria-label={t("of", { setting: t(setting), number: i + 1 })}
                  {...form.register(`adapters.${i}.${setting}`, {
                    setValueAs: (text: unknown) => (typeof text === "string" ? numberOf(text) : text),
                  })}
                />
              ))}
              <Button
                variant="ghost"
                size="icon"
                aria-label={t("remove", { number: i + 1 })}
                onClick={() => (rows.length === 2 ? remove() : remove(i))}
              >
                <XIcon aria-hidden />
              </Button>
            </div>
          ))}
          {rows.length < mostAdapters ? (
            <Button size="sm" onClick={add}>
              <PlusIcon aria-hidden />
              {rows.length === 0 ? t("start") : t("add")}
            </Button>
          ) : null}
        </div>
      )}
    </SpecField>
  );
}
