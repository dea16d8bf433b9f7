"use client";
import type { ColumnMapping } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { Field } from "../../../components/field.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Input, NativeSelect } from "../../../components/ui/input.tsx";
import { visible } from "../../../lib/format.ts";
import { fieldUses } from "./mapping-choice.ts";

type Draft = Partial<ColumnMapping>;

/** A draft that can be read: question and answer are named and differ. */
const complete = ({ user, assistant, ...rest }: Draft): ColumnMapping | null =>
  user && assistant && user !== assistant ? { ...rest, user, assistant } : null;

// Which field is the question, which the answer, and what the system line is. What is chosen holds at once: there is no
// button that could be forgotten.
export function ColumnMappingForm({
  columns,
  mapping,
  onChange,
}: {
  columns: readonly string[];
  mapping: ColumnMapping | null;
  onChange: (mapping: ColumnMapping | null) => void; // null: what is chosen cannot be read
}) {
  const t = useTranslations("datasets.upload");
  const id = useId();
  const [draft, setDraft] = useState<Draft>(mapping ?? {});
  const change = (part: Draft) => {
    const { systemText = "", ...next } = { ...draft, ...part };
    const text = next.system ? "" : systemText;
    setDraft({ ...next, systemText: text });
    onChange(complete({ ...next, ...(text.trim() ? { systemText: text.trim() } : {}) }));
  };
  const same = draft.user !== undefined && draft.user === draft.assistant;
  const options = columns.map((column) => (
    <option key={column} value={column}>
      {visible(column)}
    </option>
  ));
  const select = (field: "user" | "assistant" | "system", label: string, empty: string, error?: string) => (
    <Field id={`${id}-${field}`} label={label} error={error}>
      {(aria) => (
        <NativeSelect
          {...aria}
          value={draft[field] ?? ""}
          onChange={(event) => change({ [field]: event.target.value || undefined })}
        >
          {field === "system" || !draft[field] ? <option value="">{empty}</option> : null}
          {options}
        </NativeSelect>
      )}
    </Field>
  );
  const more = fieldUses
    .filter((use) => use !== "system")
    .flatMap((use) => [draft[use] ?? []].flat().map((column) => ({ use, column })));
  const without = (use: (typeof more)[number]["use"], column: string) =>
    change({
      [use]: use === "context" ? draft.context?.filter((one) => one !== column) : undefined,
    });
  return (
    <fieldset className="space-y-3 rounded-md border px-3 pt-2 pb-3">
      <legend className="px-1 font-medium text-sm">{t("mapping")}</legend>
      <div className="grid gap-3 sm:grid-cols-2">
        {select("user", t("userColumn"), t("chooseColumn"))}
        {select("assistant", t("assistantColumn"), t("chooseColumn"), same ? t("sameColumn") : undefined)}
        {select("system", t("systemColumn"), t("noColumn"))}
        {draft.system ? null : (
          <Field id={`${id}-system-text`} label={t("systemText")} hint={t("systemTextHint")}>
            {(aria) => (
              <Input
                {...aria}
                value={draft.systemText ?? ""}
                maxLength={20_000}
                onChange={(event) => change({ systemText: event.target.value })}
              />
            )}
          </Field>
        )}
      </div>
      {more.length > 0 ? (
        <ul className="flex flex-wrap gap-2 text-xs">
          {more.map(({ use, column }) => (
            <li key={`${use}:${column}`} className="flex items-center gap-1 rounded-md border px-2 py-1">
              <span>
                <span className="foreign">{visible(column)}</span>: {t(`use.${use}`)}
              </span>
              <Button size="sm" onClick={() => without(use, column)}>
                {t("notSo")}
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
    </fieldset>
  );
}
