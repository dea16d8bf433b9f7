import type { ComponentProps } from "react";
import { cn } from "../../lib/cn.ts";

// A scrolling table can be reached by keyboard, so it has a name.
export const Table = ({ className, label, ...props }: ComponentProps<"table"> & { label: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
  <section aria-label={label} tabIndex={0} className="overflow-x-auto">
    <table className={cn("w-full border-collapse text-sm", className)} {...props} />
  </section>
);
export const Th = ({ className, ...props }: ComponentProps<"th">) => (
  <th
    scope="col"
    className={cn(
      "whitespace-nowrap border-b px-3 py-2 text-left font-medium text-muted-foreground text-xs first:pl-4 last:pr-4",
      className,
    )}
    {...props}
  />
);
export const Td = ({ className, ...props }: ComponentProps<"td">) => (
  <td className={cn("border-b px-3 py-2 align-middle first:pl-4 last:pr-4", className)} {...props} />
);
export const Tr = ({ className, ...props }: ComponentProps<"tr">) => (
  <tr className={cn("hover:bg-muted/50 [tbody>&:last-child>td]:border-b-0", className)} {...props} />
);
