import type { ComponentProps } from "react";
import { cn } from "../../lib/cn.ts";

const field =
  "w-full min-w-0 rounded-md border border-input/70 bg-card px-2.5 text-sm placeholder:text-muted-foreground disabled:opacity-50 aria-invalid:border-destructive";

export const Input = ({ className, ...props }: ComponentProps<"input">) => (
  <input className={cn(field, "h-8", className)} {...props} />
);
export const Textarea = ({ className, ...props }: ComponentProps<"textarea">) => (
  <textarea className={cn(field, "min-h-20 py-1.5", className)} {...props} />
);
// The platform's own select: right on phones, with a keyboard and with a screen reader.
export const NativeSelect = ({ className, ...props }: ComponentProps<"select">) => (
  <select className={cn(field, "h-8 pr-7", className)} {...props} />
);
