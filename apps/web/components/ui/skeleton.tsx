import { cn } from "../../lib/cn.ts";

export const Skeleton = ({ className }: { className?: string }) => (
  <div className={cn("animate-pulse rounded-md bg-muted", className)} aria-hidden />
);

// Rows of a list that is still on its way; the label is for screen readers.
export const SkeletonRows = ({ rows = 4, label }: { rows?: number; label: string }) => (
  <div role="status" className="space-y-2 p-4">
    <span className="sr-only">{label}</span>
    {Array.from({ length: rows }, (_, i) => i).map((i) => (
      <Skeleton key={i} className="h-9" />
    ))}
  </div>
);
