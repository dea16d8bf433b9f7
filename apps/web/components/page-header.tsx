import Link from "next/link";
import type { ReactNode } from "react";
import { cn } from "../lib/cn.ts";

// The page's one h1 and the document's title.
export function PageHeader({
  title,
  titleText,
  description,
  actions,
  back,
}: {
  title: ReactNode;
  titleText: string;
  description?: ReactNode;
  actions?: ReactNode;
  back?: { href: string; label: string };
}) {
  return (
    <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3 lg:flex-nowrap">
      <title>{`${titleText} · Anneal`}</title>
      <div className="min-w-0 lg:flex-1">
        {back ? (
          <Link href={back.href} className="text-muted-foreground text-xs hover:text-foreground hover:underline">
            ← {back.label}
          </Link>
        ) : null}
        <h1 className="flex flex-wrap items-center gap-2.5 font-semibold text-xl tracking-tight">{title}</h1>
        {description ? (
          <div
            className={cn(
              "mt-1 text-muted-foreground text-sm",
              typeof description === "string" && "max-w-3xl text-pretty",
            )}
          >
            {description}
          </div>
        ) : null}
      </div>
      {actions ? (
        <div className="flex flex-wrap items-center gap-2 lg:max-w-[65%] lg:justify-end">{actions}</div>
      ) : null}
    </header>
  );
}
