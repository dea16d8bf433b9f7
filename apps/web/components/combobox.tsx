"use client";
import { Command } from "cmdk";
import { CheckIcon, ChevronsUpDownIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { Popover } from "radix-ui";
import { type ReactNode, useState } from "react";
import { cn } from "../lib/cn.ts";
import { matchesWords } from "../lib/matches-words.ts";
import type { FieldAria } from "./field.tsx";

export interface ComboboxOption {
  value: string;
  label: string;
  note?: string; // a second line: what tells it from others
  group?: string;
  refused?: string; // why it cannot be chosen
}

const row =
  "flex cursor-default items-start gap-2 rounded-md px-2 py-1.5 text-sm data-[selected=true]:bg-accent aria-disabled:text-muted-foreground";

/** A choice of many: searched by typing, walked by arrow keys, read out as a list. */
export function Combobox({
  aria,
  value,
  options,
  placeholder,
  valueText,
  onChange,
  typed,
  className,
}: {
  aria: FieldAria | { id: string; "aria-label": string };
  value: string;
  options: readonly ComboboxOption[];
  placeholder: string;
  /** How a value reads that is none of the options. */
  valueText?: string | undefined;
  onChange: (value: string) => void;
  /** What else can be chosen: from the text that was typed, or null. */
  typed?: (search: string) => { label: string; choose: () => void } | null;
  className?: string;
}) {
  const t = useTranslations("common");
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState("");
  const chosen = options.find((option) => option.value === value);
  const groups = [...new Set(options.map(({ group }) => group ?? ""))];
  const other = typed?.(search.trim()) ?? null;
  const close = (done: () => void) => {
    done();
    setSearch("");
    setOpen(false);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <button
          {...aria}
          type="button"
          role="combobox"
          aria-expanded={open}
          aria-haspopup="listbox"
          data-value={value}
          className={cn(
            "flex h-8 w-full min-w-0 items-center gap-2 rounded-md border border-input/70 bg-card px-2.5 text-left text-sm aria-invalid:border-destructive",
            className,
          )}
        >
          <span className={cn("min-w-0 flex-1 truncate", chosen || value ? null : "text-muted-foreground")}>
            {chosen?.label ?? (value === "" ? placeholder : (valueText ?? value))}
          </span>
          <ChevronsUpDownIcon className="size-3.5 shrink-0 text-muted-foreground" aria-hidden />
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          className="z-50 flex max-h-[min(24rem,var(--radix-popover-content-available-height))] w-[max(var(--radix-popover-trigger-width),min(22rem,calc(100vw-2rem)))] max-w-[calc(100vw-1rem)] flex-col rounded-md border bg-popover p-1.5 text-popover-foreground shadow-lg"
        >
          <Command
            label={placeholder}
            loop
            defaultValue={value}
            filter={(_value, wanted, keywords) => (matchesWords(keywords?.join(" ") ?? "", wanted) ? 1 : 0)}
            className="flex min-h-0 flex-col"
          >
            <Command.Input
              autoFocus
              value={search}
              onValueChange={setSearch}
              placeholder={t("typeToSearch")}
              className="mb-1.5 h-8 w-full shrink-0 rounded-md border border-input/70 bg-card px-2.5 text-sm"
            />
            <Command.List className="min-h-0 overflow-y-auto">
              <Command.Empty className="p-3 text-center text-muted-foreground text-sm">
                {t("nothingFound")}
              </Command.Empty>
              {groups.map((group) => (
                <Group key={group} heading={group}>
                  {options
                    .filter((option) => (option.group ?? "") === group)
                    .map((option) => (
                      <Command.Item
                        key={option.value}
                        value={option.value || "none:"}
                        keywords={[option.label, option.note ?? "", group]}
                        disabled={option.refused !== undefined}
                        onSelect={() => close(() => onChange(option.value))}
                        className={row}
                      >
                        <CheckIcon
                          className={cn("mt-0.5 size-4 shrink-0", option.value !== value && "invisible")}
                          aria-hidden
                        />
                        <span className="foreign min-w-0 flex-1">
                          {option.label}
                          {option.note ? (
                            <span className="block text-muted-foreground text-xs">{option.note}</span>
                          ) : null}
                          {option.refused ? <span className="block text-warning text-xs">{option.refused}</span> : null}
                        </span>
                      </Command.Item>
                    ))}
                </Group>
              ))}
              {other ? (
                <Command.Item
                  value="typed:"
                  forceMount
                  onSelect={() => close(other.choose)}
                  className={cn(row, "mt-1 border-t")}
                >
                  <span className="size-4 shrink-0" aria-hidden />
                  <span className="foreign min-w-0 flex-1">{other.label}</span>
                </Command.Item>
              ) : null}
            </Command.List>
          </Command>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      {...(heading ? { heading } : {})}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-1.5 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-muted-foreground [&_[cmdk-group-heading]]:text-xs"
    >
      {children}
    </Command.Group>
  );
}
