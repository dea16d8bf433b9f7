"use client";
import { mostAdapters } from "@anneal/contracts";
import { PlusIcon, XIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useFieldArray } from "react-hook-form";
import { Combobox } from "../../../components/combobox.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Input } from "../../../components/ui/input.tsx";
import { cn } from "../../../lib/cn.ts";
import { numberOf, SpecField } from "../fields.tsx";
import { useSpecForm } from "../form-context.tsx";
import { freshAdapters } from "../spec/adapters.ts";
import { useStartChoices } from "./use-start-choices.ts";

const columns = ["name", "rank", "alpha", "learningRate", "seed", "startFrom"] as const;
type Column = (typeof columns)[number];
const isText = (setting: Column) => setting === "name";

/** What a typed text stands for; an emptied number is the run's own. */
const settingOf = (setting: Column, text: string): string | number | null => (isText(setting) ? text : numberOf(text));

// Adapters side by side: a line each. An emptied setting is the run's own, which stands there in grey.
export function Adapters() {
  const fields = useTranslations("spec.fields");
  const t = useTranslations("newRun.adapters");
  const { form, values } = useSpecForm();
  const { fields: rows, append, remove } = useFieldArray({ control: form.control, name: "adapters" });
  const { rank, alpha } = values.method;
  const start = useStartChoices();
  const startFrom = (i: number, ref: string) =>
    form.setValue(`adapters.${i}.startFrom`, ref === "" ? null : ref, { shouldDirty: true });
  const standard = {
    rank,
    alpha,
    learningRate: values.learningRate,
    seed: values.seed,
    name: "",
  };
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
            <div key={row.id} className="grid grid-cols-2 items-end gap-2 sm:grid-cols-[2fr_1fr_1fr_1fr_1fr_2fr_auto]">
              {columns.map((setting) => (
                <div key={setting} className="min-w-0">
                  {/* A list's heads where it is one, a head at each field where they stand in two columns. */}
                  <span aria-hidden className={cn("mb-1 block text-muted-foreground text-xs", i > 0 && "sm:hidden")}>
                    {t(setting)}
                  </span>
                  {setting === "startFrom" ? (
                    <Combobox
                      aria={{
                        id: `${aria.id}-${i}-start`,
                        "aria-label": t("of", { setting: t(setting), number: i + 1 }),
                      }}
                      value={values.adapters[i]?.startFrom ?? ""}
                      valueText={start.words(values.adapters[i]?.startFrom ?? "")}
                      placeholder={t("fresh")}
                      options={start.options}
                      onChange={(ref) => startFrom(i, ref)}
                      typed={start.typed((ref) => startFrom(i, ref))}
                    />
                  ) : (
                    <Input
                      className={isText(setting) ? "font-mono text-xs" : "tabular"}
                      inputMode={isText(setting) ? "text" : "decimal"}
                      autoComplete="off"
                      placeholder={String(standard[setting] ?? "")}
                      aria-label={t("of", { setting: t(setting), number: i + 1 })}
                      {...form.register(`adapters.${i}.${setting}`, {
                        setValueAs: (text: unknown) => (typeof text === "string" ? settingOf(setting, text) : text),
                      })}
                    />
                  )}
                </div>
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
