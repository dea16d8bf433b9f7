import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "../lib/cn.ts";

// Nothing here yet: says what would be here and the one thing to do next.
export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
  compact = false,
}: {
  /** Beside other cards: half the height. */
  compact?: boolean;
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={cn("flex flex-col items-center gap-2 px-6 text-center", compact ? "pt-1 pb-5" : "py-12")}>
      {compact ? null : (
        <div className="mb-1 flex size-10 items-center justify-center rounded-full bg-muted text-muted-foreground">
          <Icon className="size-5" aria-hidden />
        </div>
      )}
      <p className="font-medium">{title}</p>
      {children ? <div className="max-w-md text-muted-foreground text-sm">{children}</div> : null}
      {action ? <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  );
}
