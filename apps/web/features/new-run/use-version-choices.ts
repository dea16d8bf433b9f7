"use client";
import { useFormatter, useTranslations } from "next-intl";
import { useMemo } from "react";
import type { ComboboxOption } from "../../components/combobox.tsx";
import { visible } from "../../lib/format.ts";
import type { VersionOption } from "./dataset-options.ts";

/** Dataset versions as a combobox lists them. */
export function useVersionChoices(versions: readonly VersionOption[]): ComboboxOption[] {
  const t = useTranslations("newRun.groups");
  const format = useFormatter();
  return useMemo(
    () =>
      versions.map(({ id, name, number, rows, createdAt }) => ({
        value: id,
        label: t("versionOption", { name: visible(name), number, rows }),
        note: format.dateTime(new Date(createdAt), { dateStyle: "medium", timeStyle: "short" }),
      })),
    [versions, t, format],
  );
}
