import type { ComponentProps, ReactNode } from "react";
import { cn } from "../../lib/cn.ts";

export const Card = ({ className, ...props }: ComponentProps<"section">) => (
  <section className={cn("rounded-lg border bg-card text-card-foreground", className)} {...props} />
);

export function CardHeader({
  title,
  description,
  actions,
  className,
}: {
  title: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
  className?: string;
}) {
  return (
    <div className={cn("flex flex-wrap items-start justify-between gap-x-4 gap-y-2 px-4 pt-3.5 pb-2", className)}>
      <div className="min-w-0">
        <h2 className="font-semibold text-sm">{title}</h2>
        {description ? <p className="mt-0.5 text-muted-foreground text-xs">{description}</p> : null}
      </div>
      {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
    </div>
  );
}
export const CardBody = ({ className, ...props }: ComponentProps<"div">) => (
  <div className={cn("px-4 pt-1 pb-4", className)} {...props} />
);
