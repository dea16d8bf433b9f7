import type { ReactNode } from "react";
import { cn } from "../lib/cn.ts";

// Name and value pairs, dense; used wherever settings and facts are read.
export function Facts({
  items,
  className,
}: {
  items: readonly (readonly [ReactNode, ReactNode])[];
  className?: string;
}) {
  return (
    <dl className={cn("grid grid-cols-[fit-content(40%)_1fr] gap-x-4 gap-y-1.5 text-sm", className)}>
      {items.map(([name, value], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is fixed where it is written
        <div key={i} className="contents">
          <dt className="text-muted-foreground">{name}</dt>
          <dd className="tabular foreign min-w-0">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Stat({ label, value, note }: { label: ReactNode; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="min-w-0 px-4 py-3">
      <dt className="truncate text-muted-foreground text-xs">{label}</dt>
      <dd className="tabular mt-0.5 font-semibold text-lg leading-tight">{value}</dd>
      {note ? <dd className="tabular mt-0.5 truncate text-muted-foreground text-xs">{note}</dd> : null}
    </div>
  );
}
