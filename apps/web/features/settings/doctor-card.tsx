"use client";
import { type DoctorCheck, wordsOf } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { CircleAlertIcon, CircleCheckIcon, CircleXIcon, type LucideIcon, RefreshCwIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { Coded } from "../../components/coded.tsx";
import { useWords } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { cn } from "../../lib/cn.ts";
import { useTRPC } from "../../lib/trpc.ts";

const looks: Record<DoctorCheck["status"], [LucideIcon, string]> = {
  ok: [CircleCheckIcon, "text-success"],
  warning: [CircleAlertIcon, "text-warning"],
  missing: [CircleXIcon, "text-destructive"],
};

export function DoctorCard() {
  const t = useTranslations("settings.doctor");
  const words = useWords();
  const trpc = useTRPC();
  const checks = useQuery(trpc.system.doctor.queryOptions(undefined, { staleTime: 60_000 }));
  return (
    <Card>
      <CardHeader
        title={t("title")}
        description={t("body")}
        actions={
          <Button size="sm" onClick={() => void checks.refetch()} disabled={checks.isFetching}>
            <RefreshCwIcon className={checks.isFetching ? "animate-spin" : undefined} aria-hidden />
            {t("again")}
          </Button>
        }
      />
      {checks.isPending ? (
        <SkeletonRows label={t("checking")} />
      ) : checks.isError ? (
        <div className="p-4 pt-1">
          <ProblemNotice error={checks.error} onRetry={() => void checks.refetch()} />
        </div>
      ) : (
        <ul className="divide-y border-t">
          {checks.data.map((check) => {
            const [Icon, colour] = looks[check.status];
            return (
              <li key={check.name} className="flex gap-3 px-4 py-2.5 text-sm">
                <Icon className={cn("mt-0.5 size-4 shrink-0", colour)} aria-hidden />
                <div className="grid min-w-0 flex-1 gap-x-4 sm:grid-cols-[11rem_1fr]">
                  <p className="font-medium">
                    {words(wordsOf(check, "name"))} <span className="sr-only">({t(`status.${check.status}`)})</span>
                  </p>
                  <div className="min-w-0">
                    <p className="foreign text-muted-foreground">{words(wordsOf(check, "found"))}</p>
                    {check.remedy ? (
                      <p>
                        <span className="font-medium">{t("remedy")}</span>{" "}
                        <span className="foreign">
                          <Coded text={words(wordsOf(check, "remedy") ?? "")} />
                        </span>
                      </p>
                    ) : null}
                  </div>
                </div>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}
