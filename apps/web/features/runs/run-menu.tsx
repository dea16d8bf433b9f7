"use client";
import type { RunSummary } from "@anneal/contracts";
import { CopyPlusIcon, EllipsisIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { Menu, MenuContent, MenuItem, MenuSeparator, MenuTrigger } from "../../components/ui/menu.tsx";
import { actionIcons } from "./action-icons.ts";
import { type Asked, RunActionDialogs } from "./run-action-dialogs.tsx";
import { actionsFor } from "./run-actions.ts";
import { useRunActions } from "./use-run-actions.ts";

export function RunMenu({ run }: { run: RunSummary }) {
  const t = useTranslations("runs");
  const [asked, setAsked] = useState<Asked>(null);
  const action = useRunActions(run.id);
  return (
    <>
      <Menu>
        <MenuTrigger asChild>
          <Button variant="ghost" size="icon" aria-label={t("more", { name: run.name })}>
            <EllipsisIcon aria-hidden />
          </Button>
        </MenuTrigger>
        <MenuContent>
          <MenuItem asChild>
            <Link href={`/runs/new?from=${run.id}`}>
              <CopyPlusIcon aria-hidden />
              {t("clone")}
            </Link>
          </MenuItem>
          {actionsFor(run.status).length > 0 ? <MenuSeparator /> : null}
          {actionsFor(run.status).map((name) => {
            const Icon = actionIcons[name];
            return (
              <MenuItem
                key={name}
                onSelect={() => (name === "cancel" || name === "remove" ? setAsked(name) : action.mutate(name))}
              >
                <Icon aria-hidden />
                {t(`do.${name}`)}
              </MenuItem>
            );
          })}
        </MenuContent>
      </Menu>
      <RunActionDialogs asked={asked} onAsk={setAsked} action={action} />
    </>
  );
}
