"use client";
import { RotateCcwIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import type { Path } from "react-hook-form";
import { Coded } from "../../components/coded.tsx";
import { Combobox, type ComboboxOption } from "../../components/combobox.tsx";
import { Field, type FieldAria } from "../../components/field.tsx";
import { Input, NativeSelect, Textarea } from "../../components/ui/input.tsx";
import { Switch } from "../../components/ui/switch.tsx";
import { useSpecForm } from "./form-context.tsx";
import { defaultAt } from "./spec/changes.ts";
import { sameValue, valueAt } from "./spec/paths.ts";
import type { SpecForm } from "./spec/spec-form.ts";
import type { Translate } from "./spec/words.ts";

export type SpecPath = Path<SpecForm>;
export const fieldId = (path: string) => `spec-${path.replaceAll(".", "-")}`;

// A setting of the spec: its name, its default and the reason for it, and the way back to it.
export function SpecField({
  path,
  shown,
  className,
  children,
}: {
  path: SpecPath;
  shown?: (value: unknown) => string; // how the default reads
  className?: string;
  children: (aria: FieldAria) => ReactNode;
}) {
  const t = useTranslations("newRun");
  const words = useTranslations("spec.fields") as Translate;
  const { form, values, errorAt } = useSpecForm();
  const standard = defaultAt(path, values);
  const changed = !sameValue(valueAt(values, path), standard);
  const standardWords = shown ? shown(standard) : standard === null || standard === "" ? null : String(standard);
  return (
    <Field
      id={fieldId(path)}
      label={words(`${path}.label`)}
      error={errorAt(path)}
      {...(className ? { className } : {})}
      hint={
        <>
          <Coded text={words(`${path}.why`)} />
          {changed ? (
            <button
              type="button"
              className="ml-1.5 inline-flex items-center gap-1 font-medium text-primary underline-offset-2 hover:underline"
              onClick={() => form.setValue(path, standard as never, { shouldDirty: true, shouldTouch: true })}
            >
              <RotateCcwIcon className="size-3" aria-hidden />
              {standardWords === null ? t("resetEmpty") : t("resetTo", { value: standardWords })}
            </button>
          ) : standardWords === null ? null : (
            <span className="ml-1.5 whitespace-nowrap opacity-90">{t("default", { value: standardWords })}</span>
          )}
        </>
      }
    >
      {children}
    </Field>
  );
}

// What an empty number stands for, where it is not left to Anneal.
const emptyWords: Readonly<Record<string, "off" | "noLimit" | "allCores" | "allFree">> = {
  "guards.spikeFactor": "off",
  maxSteps: "noLimit",
  threads: "allCores",
  memoryBudgetGiB: "allFree",
};

// A text field and not a number's: 1e-3 can be typed, and a wheel over it changes nothing.
export function NumberSetting({ path, className }: { path: SpecPath; className?: string }) {
  const t = useTranslations("newRun");
  const { form } = useSpecForm();
  return (
    <SpecField path={path} {...(className ? { className } : {})}>
      {(aria) => (
        <Input
          {...aria}
          className="tabular"
          inputMode="decimal"
          autoComplete="off"
          placeholder={defaultAt(path) === null ? t(emptyWords[path] ?? "automatic") : undefined}
          {...form.register(path, {
            setValueAs: (text: unknown) => (typeof text === "string" ? numberOf(text) : text),
          })}
        />
      )}
    </SpecField>
  );
}

// Empty is null, what is no number stays NaN so that it is refused at its field.
export const numberOf = (text: string) => (text.trim() === "" ? null : Number(text.trim().replace(",", ".")));

export function SelectSetting<T extends string>({
  path,
  options,
  words,
}: {
  path: SpecPath;
  options: readonly T[];
  words: (option: T) => string;
}) {
  const { form, values } = useSpecForm();
  return (
    <SpecField path={path} shown={(value) => words(value as T)}>
      {(aria) => (
        <NativeSelect
          {...aria}
          value={String(valueAt(values, path) ?? "")}
          onChange={(event) => form.setValue(path, event.target.value as never, { shouldDirty: true })}
        >
          {options.map((option) => (
            <option key={option} value={option}>
              {words(option)}
            </option>
          ))}
        </NativeSelect>
      )}
    </SpecField>
  );
}

/** A choice of many, searched; `words` says a value, also one that is not among the options. */
export function ComboboxSetting({
  path,
  options,
  words,
  typed,
  className,
}: {
  path: SpecPath;
  options: readonly ComboboxOption[];
  words: (value: string) => string;
  typed?: (search: string) => { label: string; choose: () => void } | null;
  className?: string;
}) {
  const { form, values } = useSpecForm();
  const value = String(valueAt(values, path) ?? "");
  return (
    <SpecField path={path} shown={(standard) => words(String(standard ?? ""))} {...(className ? { className } : {})}>
      {(aria) => (
        <Combobox
          aria={aria}
          value={value}
          valueText={words(value)}
          placeholder={words("")}
          options={options}
          onChange={(chosen) => form.setValue(path, chosen as never, { shouldDirty: true })}
          {...(typed ? { typed } : {})}
        />
      )}
    </SpecField>
  );
}

export function SwitchSetting({ path }: { path: SpecPath }) {
  const t = useTranslations("newRun");
  const { form, values } = useSpecForm();
  return (
    <SpecField path={path} shown={(value) => t(value === true ? "on" : "off")}>
      {(aria) => (
        <div>
          <Switch
            {...aria}
            checked={valueAt(values, path) === true}
            onCheckedChange={(checked) => form.setValue(path, checked as never, { shouldDirty: true })}
          />
        </div>
      )}
    </SpecField>
  );
}

export function TextSetting({ path, long = false, mono = false }: { path: SpecPath; long?: boolean; mono?: boolean }) {
  const { form } = useSpecForm();
  return (
    <SpecField path={path} className={long ? "sm:col-span-2" : ""}>
      {(aria) =>
        long ? (
          <Textarea {...aria} className={mono ? "font-mono text-xs" : ""} spellCheck={!mono} {...form.register(path)} />
        ) : (
          <Input {...aria} autoComplete="off" {...form.register(path)} />
        )
      }
    </SpecField>
  );
}
