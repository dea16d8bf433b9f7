"use client";
import { useTranslations } from "next-intl";
import { useEffect, useState } from "react";
import { cn } from "../../lib/cn.ts";

export const Skeleton = ({ className }: { className?: string }) => (
  <div className={cn("animate-pulse rounded-md bg-muted", className)} aria-hidden />
);

const patienceMilliseconds = 6000;

// Rows of a list that is still on its way; the label is for screen readers. What does not come says so.
export function SkeletonRows({ rows = 4, label }: { rows?: number; label: string }) {
  const t = useTranslations("common");
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), patienceMilliseconds);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" className="space-y-2 p-4">
      {slow ? <p className="text-sm">{t("slow")}</p> : <span className="sr-only">{label}</span>}
      {Array.from({ length: rows }, (_, i) => i).map((i) => (
        <Skeleton key={i} className="h-9" />
      ))}
    </div>
  );
}
