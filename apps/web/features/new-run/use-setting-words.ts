"use client";
import { useTranslations } from "next-intl";
import { useMemo } from "react";
import type { SettingWords } from "./spec/setting-words.ts";
import type { Translate } from "./spec/words.ts";

export function useSettingWords(): SettingWords {
  const fields = useTranslations("spec.fields") as Translate;
  const options = useTranslations("spec.options") as Translate;
  const t = useTranslations("newRun");
  return useMemo(
    () => ({ fields, options, onOff: (on) => t(on ? "on" : "off"), allLayers: t("groups.allLayers") }),
    [fields, options, t],
  );
}
