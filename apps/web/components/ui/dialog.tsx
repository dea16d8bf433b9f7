"use client";
import { XIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { Dialog as Primitive } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "../../lib/cn.ts";

export const Dialog = Primitive.Root;
export const DialogTrigger = Primitive.Trigger;
export const DialogClose = Primitive.Close;

export function DialogContent({
  title,
  description,
  className,
  children,
  ...props
}: ComponentProps<typeof Primitive.Content> & { title: ReactNode; description?: ReactNode }) {
  const t = useTranslations("common");
  return (
    <Primitive.Portal>
      <Primitive.Overlay className="fixed inset-0 z-50 bg-black/50 data-[state=open]:animate-in data-[state=open]:fade-in-0" />
      <Primitive.Content
        className={cn(
          "fixed top-1/2 left-1/2 z-50 flex max-h-[90dvh] w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 -translate-y-1/2 flex-col overflow-auto rounded-lg border bg-popover p-5 text-popover-foreground shadow-xl",
          className,
        )}
        {...(description ? {} : { "aria-describedby": undefined })}
        {...props}
      >
        <div className="mb-3 pr-8">
          <Primitive.Title className="font-semibold text-base">{title}</Primitive.Title>
          {description ? (
            <Primitive.Description className="mt-1 text-muted-foreground text-sm">{description}</Primitive.Description>
          ) : null}
        </div>
        {children}
        <Primitive.Close
          className="absolute top-3.5 right-3.5 rounded-md p-1.5 text-muted-foreground hover:bg-accent"
          aria-label={t("close")}
        >
          <XIcon className="size-4" aria-hidden />
        </Primitive.Close>
      </Primitive.Content>
    </Primitive.Portal>
  );
}

export const DialogFooter = ({ className, ...props }: ComponentProps<"div">) => (
  <div className={cn("mt-5 flex flex-wrap justify-end gap-2", className)} {...props} />
);

// A panel from the left edge: the navigation on narrow screens.
export function SheetContent({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Primitive.Portal>
      <Primitive.Overlay className="fixed inset-0 z-50 bg-black/50" />
      <Primitive.Content
        aria-describedby={undefined}
        className="fixed inset-y-0 left-0 z-50 flex w-64 flex-col border-r bg-sidebar shadow-xl data-[state=open]:animate-in data-[state=open]:slide-in-from-left"
      >
        <Primitive.Title className="sr-only">{title}</Primitive.Title>
        {children}
      </Primitive.Content>
    </Primitive.Portal>
  );
}
