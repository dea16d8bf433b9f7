"use client";
import { ChevronRightIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { type ReactNode, useEffect, useState } from "react";
import { Badge } from "../../../components/ui/badge.tsx";
import { useSpecForm } from "../form-context.tsx";
import { changedPaths } from "../spec/changes.ts";

// Folded settings: what they are now in one line, how many differ from the defaults. Opens by itself when one is wrong.
export function Group({
  title,
  summary,
  paths,
  children,
}: {
  title: string;
  summary: string;
  paths: readonly string[];
  children: ReactNode;
}) {
  const t = useTranslations("newRun");
  const { values, hasErrorBelow } = useSpecForm();
  const [open, setOpen] = useState(false);
  const wrong = hasErrorBelow(paths);
  useEffect(() => {
    if (wrong) setOpen(true);
  }, [wrong]);
  const changed = changedPaths(values, paths).length;
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} className="group">
      <summary className="flex list-none items-center gap-2.5 px-4 py-3 hover:bg-muted/50 [&::-webkit-details-marker]:hidden">
        <ChevronRightIcon
          className="size-4 shrink-0 text-muted-foreground transition-transform group-open:rotate-90"
          aria-hidden
        />
        <span className="min-w-0 flex-1">
          <span className="font-medium">{title}</span>
          <span className="tabular block truncate text-muted-foreground text-xs">{summary}</span>
        </span>
        {wrong ? <Badge tone="danger">{t("wrong")}</Badge> : null}
        {changed > 0 ? <Badge tone="info">{t("changed", { count: changed })}</Badge> : null}
      </summary>
      <div className="grid gap-x-6 gap-y-4 px-4 pt-1 pb-5 sm:grid-cols-2 sm:pl-10">{children}</div>
    </details>
  );
}
