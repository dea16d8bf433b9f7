"use client";
import type { DatasetRow, Role } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { Badge, type BadgeTone } from "../../components/ui/badge.tsx";
import { cn } from "../../lib/cn.ts";
import { visible } from "../../lib/format.ts";

const tones: Record<Role, BadgeTone> = { system: "outline", user: "info", assistant: "success", tool: "warning" };

// One row of data as people read it; long texts are cut to some lines until `whole`.
export function Conversation({ row, whole = false }: { row: DatasetRow; whole?: boolean }) {
  const t = useTranslations("datasets");
  const clamp = whole ? "" : "line-clamp-3";
  if ("text" in row) return <p className={cn("foreign text-sm", clamp)}>{visible(row.text)}</p>;
  return (
    <ul className="space-y-1">
      {row.messages.map((message, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages have no identity but their place
        <li key={i} className="flex min-w-0 items-baseline gap-2">
          <span className="w-20 shrink-0">
            <Badge tone={tones[message.role]}>{t(`role.${message.role}`)}</Badge>
          </span>
          <p className={cn("foreign min-w-0 flex-1 text-sm", clamp)}>
            {visible(message.content)}
            {message.weight === 0 ? <em className="ml-2 text-muted-foreground text-xs">{t("notTrained")}</em> : null}
          </p>
        </li>
      ))}
    </ul>
  );
}
