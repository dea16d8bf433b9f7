"use client";
import { useTranslations } from "next-intl";
import { cn } from "../../lib/cn.ts";
import { type Connection, useLive } from "./live-provider.tsx";

const dots: Record<Connection, string> = {
  live: "bg-success",
  connecting: "animate-pulse bg-warning",
  asleep: "bg-input",
};

// Whether what is shown follows the run by itself just now.
export function LiveBadge() {
  const t = useTranslations("run.live");
  const { connection } = useLive();
  return (
    <span
      className="flex items-center gap-1.5 font-normal text-muted-foreground text-xs tracking-normal"
      data-connection={connection}
    >
      <span className={cn("size-1.5 rounded-full", dots[connection])} aria-hidden />
      {t(connection)}
    </span>
  );
}
