"use client";
import { useTranslations } from "next-intl";
import { visible } from "../../lib/format.ts";

// A phase of a publication in the person's language; one we have no words for is shown as it came.
export function usePhaseWords(): (phase: string) => string {
  const t = useTranslations("run.deployments.phase");
  return (phase) => (/^[a-z]+$/.test(phase) && t.has(phase) ? t(phase) : visible(phase));
}
