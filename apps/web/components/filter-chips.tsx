import { cn } from "../lib/cn.ts";

// One choice of a few, as buttons in a row.
export function FilterChips<T extends string>({
  label,
  value,
  options,
  onChange,
  className,
}: {
  label: string;
  value: T;
  options: readonly { value: T; label: string; count?: number }[];
  onChange: (value: T) => void;
  className?: string;
}) {
  return (
    <fieldset className={cn("flex min-w-0 flex-wrap gap-1", className)}>
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
          className={cn(
            "h-7 whitespace-nowrap rounded-full border px-2.5 text-xs transition-colors",
            option.value === value
              ? "border-primary bg-primary/10 font-medium text-foreground"
              : "bg-card text-muted-foreground hover:bg-accent hover:text-foreground",
          )}
        >
          {option.label}
          {option.count === undefined ? null : <span className="tabular ml-1.5">{option.count}</span>}
        </button>
      ))}
    </fieldset>
  );
}
