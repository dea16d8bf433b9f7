"use client";
import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { KeyboardIcon, SearchIcon } from "lucide-react";
import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useEffect, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogContent } from "../../components/ui/dialog.tsx";
import { Tooltip } from "../../components/ui/tooltip.tsx";
import { visible } from "../../lib/format.ts";
import { useTRPC } from "../../lib/trpc.ts";
import { useStored } from "../../lib/use-stored.ts";
import { StatusChip } from "../runs/status-chip.tsx";
import { navItems, newRunItem } from "./nav-items.ts";
import { isTyping, ShortcutMatcher } from "./shortcuts.ts";

const items = [newRunItem, ...navItems];
// Single letters can get in the way of speech input (WCAG 2.1.4), so they can be switched off in the settings.
export const useShortcutsOn = () => useStored("shortcuts", (text) => text !== "false");

export function CommandPalette() {
  const t = useTranslations();
  const router = useRouter();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [on] = useShortcutsOn();

  useEffect(() => {
    const matcher = new ShortcutMatcher([
      ...items.map(({ keys, href }) => ({ keys, run: () => router.push(href) })),
      { keys: "?", run: () => setHelp(true) },
      { keys: "/", run: () => document.querySelector<HTMLElement>("[data-page-search]")?.focus() },
    ]);
    const onKey = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setPalette((open) => !open);
        return;
      }
      if (!on || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("[role=dialog],[role=menu]")) return;
      if (event.key.length === 1 && matcher.press(event.key, event.timeStamp)) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [router, on]);

  return (
    <>
      <Tooltip label={<Keys keys="Ctrl K" />}>
        <Button variant="ghost" size="icon" aria-label={t("palette.open")} onClick={() => setPalette(true)}>
          <SearchIcon aria-hidden />
        </Button>
      </Tooltip>
      <Dialog open={palette} onOpenChange={setPalette}>
        <DialogContent title={t("palette.title")} className="top-[18%] max-w-xl translate-y-0 p-4">
          <PaletteBody
            go={(href) => {
              setPalette(false);
              router.push(href);
            }}
            showHelp={() => {
              setPalette(false);
              setHelp(true);
            }}
          />
        </DialogContent>
      </Dialog>
      <Dialog open={help} onOpenChange={setHelp}>
        <DialogContent title={t("shortcuts.title")}>
          <dl className="grid grid-cols-[1fr_auto] gap-x-6 gap-y-2.5 text-sm">
            {items.map(({ keys, label }) => (
              <div key={keys} className="contents">
                <dt>{label === "newRun" ? t("nav.newRun") : t("shortcuts.goTo", { page: t(`nav.${label}`) })}</dt>
                <dd>
                  <Keys keys={keys} />
                </dd>
              </div>
            ))}
            {(
              [
                ["Ctrl K", "palette"],
                ["/", "search"],
                ["?", "help"],
                ["Esc", "close"],
              ] as const
            ).map(([keys, name]) => (
              <div key={keys} className="contents">
                <dt>{t(`shortcuts.${name}`)}</dt>
                <dd>
                  <Keys keys={keys} />
                </dd>
              </div>
            ))}
          </dl>
        </DialogContent>
      </Dialog>
    </>
  );
}

function PaletteBody({ go, showHelp }: { go: (href: string) => void; showHelp: () => void }) {
  const t = useTranslations();
  const trpc = useTRPC();
  const runs = useQuery(trpc.runs.list.queryOptions({ limit: 50 }));
  const datasets = useQuery(trpc.datasets.list.queryOptions());
  const row =
    "flex items-center gap-2.5 rounded-md px-2 py-1.5 text-sm data-[selected=true]:bg-accent [&_svg]:size-4 [&_svg]:text-muted-foreground";
  const heading =
    "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-muted-foreground [&_[cmdk-group-heading]]:text-xs";
  return (
    <Command label={t("palette.title")} loop>
      <Command.Input
        autoFocus
        placeholder={t("palette.placeholder")}
        className="mb-2 h-9 w-full rounded-md border border-input/70 bg-card px-2.5 text-sm"
      />
      <Command.List className="max-h-80 overflow-y-auto">
        <Command.Empty className="p-4 text-center text-muted-foreground text-sm">{t("palette.none")}</Command.Empty>
        <Command.Group heading={t("palette.pages")} className={heading}>
          {items.map(({ href, label, icon: Icon, keys }) => (
            <Command.Item key={href} value={t(`nav.${label}`)} onSelect={() => go(href)} className={row}>
              <Icon aria-hidden />
              <span className="flex-1">{t(`nav.${label}`)}</span>
              <Keys keys={keys} />
            </Command.Item>
          ))}
          <Command.Item value={t("shortcuts.title")} onSelect={showHelp} className={row}>
            <KeyboardIcon aria-hidden />
            <span className="flex-1">{t("shortcuts.title")}</span>
            <Keys keys="?" />
          </Command.Item>
        </Command.Group>
        {runs.data && runs.data.items.length > 0 ? (
          <Command.Group heading={t("nav.runs")} className={heading}>
            {runs.data.items.map((run) => (
              <Command.Item
                key={run.id}
                value={`${run.name} ${run.id}`}
                onSelect={() => go(`/runs/${run.id}`)}
                className={row}
              >
                <span className="min-w-0 flex-1 truncate">{visible(run.name)}</span>
                <StatusChip status={run.status} />
              </Command.Item>
            ))}
          </Command.Group>
        ) : null}
        {datasets.data && datasets.data.length > 0 ? (
          <Command.Group heading={t("nav.datasets")} className={heading}>
            {datasets.data.map((dataset) => (
              <Command.Item
                key={dataset.id}
                value={`${dataset.name} ${dataset.id}`}
                onSelect={() => go(`/datasets/${dataset.id}`)}
                className={row}
              >
                <span className="min-w-0 flex-1 truncate">{visible(dataset.name)}</span>
              </Command.Item>
            ))}
          </Command.Group>
        ) : null}
      </Command.List>
    </Command>
  );
}

export const Keys = ({ keys }: { keys: string }) => (
  <span className="flex gap-1">
    {keys.split(" ").map((key) => (
      <kbd
        key={key}
        className="min-w-5 rounded border bg-muted px-1.5 text-center font-mono text-[0.6875rem] text-muted-foreground leading-5"
      >
        {key}
      </kbd>
    ))}
  </span>
);
