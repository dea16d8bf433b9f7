"use client";
import type { OneTimeLink as Link } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { CopyField } from "../../components/copy-field.tsx";

/** The whole address of a link that works once; it is shown here and never again. */
export function OneTimeLink({ link }: { link: Link }) {
  const t = useTranslations("members");
  return <CopyField text={`${window.location.origin}${link.path}`} label={t("link")} testId="one-time-link" />;
}
