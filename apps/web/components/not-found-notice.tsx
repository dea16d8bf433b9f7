"use client";
import { CompassIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { EmptyState } from "./empty-state.tsx";
import { Button } from "./ui/button.tsx";

export function NotFoundNotice() {
  const t = useTranslations("common");
  return (
    <>
      <title>{`${t("notFound")} · Anneal`}</title>
      <h1 className="sr-only">{t("notFound")}</h1>
      <EmptyState
        icon={CompassIcon}
        title={t("notFound")}
        action={
          <Button asChild variant="primary">
            <Link href="/runs">{t("toRuns")}</Link>
          </Button>
        }
      >
        {t("notFoundBody")}
      </EmptyState>
    </>
  );
}
