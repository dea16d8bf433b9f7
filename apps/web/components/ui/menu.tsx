"use client";
import { CheckIcon } from "lucide-react";
import { DropdownMenu as Primitive } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "../../lib/cn.ts";

// Not modal: a modal menu hides the rest of the page from screen readers while its links can still be reached by keyboard.
export const Menu = (props: ComponentProps<typeof Primitive.Root>) => <Primitive.Root modal={false} {...props} />;
export const MenuTrigger = Primitive.Trigger;
export const MenuRadioGroup = Primitive.RadioGroup;

const item =
  "relative flex cursor-default select-none items-center gap-2 rounded-sm px-2 py-1.5 text-sm outline-none data-[disabled]:pointer-events-none data-[disabled]:opacity-50 data-[highlighted]:bg-accent [&_svg]:size-4";

export const MenuContent = ({ className, ...props }: ComponentProps<typeof Primitive.Content>) => (
  <Primitive.Portal>
    <Primitive.Content
      sideOffset={4}
      align="end"
      className={cn(
        "z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-40 overflow-auto rounded-md border bg-popover p-1 text-popover-foreground shadow-lg",
        className,
      )}
      {...props}
    />
  </Primitive.Portal>
);
export const MenuItem = ({ className, ...props }: ComponentProps<typeof Primitive.Item>) => (
  <Primitive.Item className={cn(item, className)} {...props} />
);
export const MenuRadioItem = ({ className, children, ...props }: ComponentProps<typeof Primitive.RadioItem>) => (
  <Primitive.RadioItem className={cn(item, "pl-7", className)} {...props}>
    <Primitive.ItemIndicator className="absolute left-2">
      <CheckIcon aria-hidden />
    </Primitive.ItemIndicator>
    {children}
  </Primitive.RadioItem>
);
export const MenuLabel = ({ className, ...props }: ComponentProps<typeof Primitive.Label>) => (
  <Primitive.Label className={cn("px-2 py-1 font-medium text-muted-foreground text-xs", className)} {...props} />
);
export const MenuSeparator = () => <Primitive.Separator className="-mx-1 my-1 h-px bg-border" />;
