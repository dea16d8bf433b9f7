"use client";
import { useTranslations } from "next-intl";
import { ProblemNotice } from "../../components/problem-notice.tsx";

// A page that throws keeps the shell around it, says so, and can be tried again.
export default function ConsoleError({ error, reset }: { error: Error; reset: () => void }) {
  const t = useTranslations("common");
  return (
    <>
      <h1 className="mb-3 font-semibold text-xl">{t("unexpected")}</h1>
      <ProblemNotice error={error} onRetry={reset} />
    </>
  );
}
