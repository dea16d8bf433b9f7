"use client";
import type { RunSummary } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { visible } from "../../lib/format.ts";
import { shortBase } from "./filters.ts";

/** What a run was trained from, as people call it. */
export function useBaseWords(): (run: Pick<RunSummary, "base" | "baseName">) => string {
  const t = useTranslations("runs");
  return ({ base, baseName }) =>
    base.startsWith("model:") && baseName === null ? t("baseGone") : visible(shortBase(base, baseName));
}
