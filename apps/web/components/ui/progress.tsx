import { cn } from "../../lib/cn.ts";

// value: share of the work done, 0 to 1; null when it cannot be known yet.
export function Progress({
  value,
  label,
  className,
  tone = "primary",
}: {
  value: number | null;
  label: string;
  className?: string;
  tone?: "primary" | "success" | "muted" | "danger";
}) {
  const percent = value === null ? null : Math.round(Math.min(1, Math.max(0, value)) * 1000) / 10;
  const colour = { primary: "bg-primary", success: "bg-success", muted: "bg-input", danger: "bg-destructive" }[tone];
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { "aria-valuenow": percent })}
      className={cn("h-1.5 w-full overflow-hidden rounded-full bg-muted", className)}
    >
      <div
        className={cn(
          "h-full rounded-full transition-[width] duration-300",
          colour,
          percent === null && "w-1/3 animate-pulse",
        )}
        style={percent === null ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
