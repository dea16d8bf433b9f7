"use client";
import type { ColumnMapping } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { Field } from "../../../components/field.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Input, NativeSelect } from "../../../components/ui/input.tsx";
import { visible } from "../../../lib/format.ts";

// Which column is the question, which the answer, and what the system line is.
export function ColumnMappingForm({
  columns,
  mapping,
  busy,
  onApply,
}: {
  columns: readonly string[];
  mapping: ColumnMapping | null;
  busy: boolean;
  onApply: (mapping: ColumnMapping) => void;
}) {
  const t = useTranslations("datasets.upload");
  const id = useId();
  const [user, setUser] = useState(mapping?.user ?? columns[0] ?? "");
  const [assistant, setAssistant] = useState(mapping?.assistant ?? columns[1] ?? "");
  const [system, setSystem] = useState(mapping?.system ?? "");
  const [systemText, setSystemText] = useState(mapping?.systemText ?? "");
  const wanted: ColumnMapping = {
    user,
    assistant,
    ...(system ? { system } : systemText.trim() ? { systemText: systemText.trim() } : {}),
  };
  const same = user !== "" && user === assistant;
  const options = columns.map((column) => (
    <option key={column} value={column}>
      {visible(column)}
    </option>
  ));
  return (
    <fieldset className="space-y-3 rounded-md border px-3 pt-2 pb-3">
      <legend className="px-1 font-medium text-sm">{t("mapping")}</legend>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field id={`${id}-user`} label={t("userColumn")}>
          {(aria) => (
            <NativeSelect {...aria} value={user} onChange={(event) => setUser(event.target.value)}>
              {options}
            </NativeSelect>
          )}
        </Field>
        <Field id={`${id}-assistant`} label={t("assistantColumn")} error={same ? t("sameColumn") : undefined}>
          {(aria) => (
            <NativeSelect {...aria} value={assistant} onChange={(event) => setAssistant(event.target.value)}>
              {options}
            </NativeSelect>
          )}
        </Field>
        <Field id={`${id}-system`} label={t("systemColumn")}>
          {(aria) => (
            <NativeSelect {...aria} value={system} onChange={(event) => setSystem(event.target.value)}>
              <option value="">{t("noColumn")}</option>
              {options}
            </NativeSelect>
          )}
        </Field>
        {system ? null : (
          <Field id={`${id}-system-text`} label={t("systemText")} hint={t("systemTextHint")}>
            {(aria) => (
              <Input
                {...aria}
                value={systemText}
                maxLength={20_000}
                onChange={(event) => setSystemText(event.target.value)}
              />
            )}
          </Field>
        )}
      </div>
      <Button
        disabled={busy || same || !user || !assistant || (mapping !== null && sameMapping(wanted, mapping))}
        onClick={() => onApply(wanted)}
      >
        {t("applyMapping")}
      </Button>
    </fieldset>
  );
}

const sameMapping = (a: ColumnMapping, b: ColumnMapping) =>
  a.user === b.user && a.assistant === b.assistant && a.system === b.system && a.systemText === b.systemText;
