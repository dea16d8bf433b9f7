"use client";
import type { ColumnMapping, UnusedField } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useId } from "react";
import { Badge } from "../../../components/ui/badge.tsx";
import { NativeSelect } from "../../../components/ui/input.tsx";
import { visible } from "../../../lib/format.ts";
import { type FieldUse, fieldUses, withUse } from "./mapping-choice.ts";

// What the rows have beyond what is read. Content is used or left out by a person's word; identifiers ask nothing.
export function UnusedFields({
  fields,
  leaveOut,
  mapping,
  onLeaveOut,
  onMapping,
}: {
  fields: readonly UnusedField[];
  leaveOut: readonly string[];
  mapping: ColumnMapping | null;
  onLeaveOut: (paths: string[]) => void;
  onMapping: (mapping: ColumnMapping) => void;
}) {
  const t = useTranslations("datasets.upload");
  const id = useId();
  const content = fields.filter((field) => field.content);
  const harmless = fields.filter((field) => !field.content);
  const decide = (path: string, choice: string) => {
    const others = leaveOut.filter((one) => one !== path);
    if (choice === "leave") onLeaveOut([...others, path]);
    else if (choice === "") onLeaveOut(others);
    else if (mapping) onMapping(withUse(mapping, choice as FieldUse, path));
  };
  return (
    <section aria-labelledby={id} className="space-y-2">
      <h3 id={id} className="font-medium text-sm">
        {t("unusedFields")}
      </h3>
      {content.length > 0 ? (
        <>
          <p className="text-muted-foreground text-xs">{t("unusedFieldsHint")}</p>
          <ul className="divide-y rounded-md border">
            {content.map((field) => (
              <li key={field.path} className="grid gap-2 px-3 py-2 text-sm sm:grid-cols-[1fr_14rem] sm:items-center">
                <div className="min-w-0">
                  <p className="flex flex-wrap items-baseline gap-x-2">
                    <code className="foreign font-mono">{visible(field.path)}</code>
                    <span className="text-muted-foreground text-xs">{t("fieldRows", { count: field.rows })}</span>
                  </p>
                  <p className="foreign truncate text-muted-foreground text-xs">{visible(field.example)}</p>
                </div>
                <NativeSelect
                  aria-label={t("fieldChoice", { field: visible(field.path) })}
                  value={leaveOut.includes(field.path) ? "leave" : ""}
                  onChange={(event) => decide(field.path, event.target.value)}
                >
                  <option value="">{t("decide")}</option>
                  <option value="leave">{t("leaveFieldOut")}</option>
                  {mapping && !field.path.includes(".")
                    ? fieldUses.map((use) => (
                        <option key={use} value={use}>
                          {t("useAs", { use: t(`use.${use}`) })}
                        </option>
                      ))
                    : null}
                </NativeSelect>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {harmless.length > 0 ? (
        <p className="flex flex-wrap items-center gap-1.5 text-muted-foreground text-xs">
          {t("harmlessFields")}
          {harmless.map(({ path }) => (
            <Badge key={path} tone="outline">
              <span className="foreign">{visible(path)}</span>
            </Badge>
          ))}
        </p>
      ) : null}
    </section>
  );
}
