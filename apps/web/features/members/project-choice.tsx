"use client";
import { projectCookie } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { MenuLabel, MenuRadioGroup, MenuRadioItem, MenuSeparator } from "../../components/ui/menu.tsx";
import { useTRPC } from "../../lib/trpc.ts";

function choose(id: string) {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain-http hosts
  document.cookie = `${projectCookie}=${id}; path=/; max-age=31536000; samesite=lax`;
  window.location.assign("/runs"); // a full load: no row of the project before stays in memory
}

/** The projects that this person may work in; nothing where there is one alone. */
export function ProjectChoice() {
  const t = useTranslations("members");
  const trpc = useTRPC();
  const projects = useQuery(trpc.projects.list.queryOptions());
  const all = projects.data ?? [];
  if (all.length < 2) return null;
  return (
    <>
      <MenuLabel>{t("project")}</MenuLabel>
      <MenuRadioGroup value={all.find(({ current }) => current)?.id ?? ""} onValueChange={choose}>
        {all.map(({ id, name }) => (
          <MenuRadioItem key={id} value={id} className="foreign">
            {name}
          </MenuRadioItem>
        ))}
      </MenuRadioGroup>
      <MenuSeparator />
    </>
  );
}
