"use client";
import { useQuery } from "@tanstack/react-query";
import { DatabaseIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useEffect, useState } from "react";
import { databaseTroubleOf } from "../../lib/problem.ts";
import { useTRPC } from "../../lib/trpc.ts";

const patienceMilliseconds = 8000;

// The server answers in time or with the database's trouble; a question that stands open for long is trouble, too.
function useSlow(waiting: boolean): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (!waiting) return;
    const timer = setTimeout(() => setSlow(true), patienceMilliseconds);
    return () => clearTimeout(timer);
  }, [waiting]);
  return slow;
}

/** On every page while the database is away: what is shown is old, and the training does not need it. */
export function DatabaseBanner() {
  const t = useTranslations("problem.database");
  const trpc = useTRPC();
  const status = useQuery(trpc.system.status.queryOptions(undefined, { refetchInterval: 10_000 }));
  const slow = useSlow(status.isFetching && status.failureReason === null);
  const trouble = databaseTroubleOf(status.failureReason ?? status.error) ?? (slow ? "busy" : null);
  return (
    <div aria-live="polite">
      {trouble ? (
        <div className="flex gap-2.5 border-warning/30 border-b bg-warning-soft px-4 py-2 text-sm md:px-6">
          <DatabaseIcon className="mt-0.5 size-4 shrink-0 text-warning" aria-hidden />
          <p>
            <span className="font-medium">{t(trouble)}</span>{" "}
            <span>{t(trouble === "full" ? "fullBody" : "awayBody")}</span>
          </p>
        </div>
      ) : null}
    </div>
  );
}
