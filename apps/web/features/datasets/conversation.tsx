"use client";
import type { AnswerSide, DatasetRow, Message, Role } from "@anneal/contracts";
import { ThumbsDownIcon, ThumbsUpIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { Badge, type BadgeTone } from "../../components/ui/badge.tsx";
import { cn } from "../../lib/cn.ts";
import { visible } from "../../lib/format.ts";

const tones: Record<Role, BadgeTone> = { system: "outline", user: "info", assistant: "success", tool: "warning" };

// One row of data as people read it; long texts are cut to some lines until `whole`.
export function Conversation({ row, whole = false }: { row: DatasetRow; whole?: boolean }) {
  const t = useTranslations("datasets");
  const clamp = whole ? "" : "line-clamp-3";
  if ("text" in row) return <p className={cn("foreign text-sm", clamp)}>{visible(row.text)}</p>;
  if ("messages" in row) return <Messages messages={row.messages} clamp={clamp} />;
  const answers =
    "chosen" in row
      ? ([
          ["chosen", row.chosen],
          ["rejected", row.rejected],
        ] as const)
      : ([[row.desirable ? "desirable" : "undesirable", row.completion]] as const);
  return (
    <div className="space-y-2">
      <Messages messages={row.prompt} clamp={clamp} />
      {answers.map(([side, messages]) =>
        // One answer needs no name of who gives it.
        messages.length === 1 && messages[0]?.role === "assistant" ? (
          <Messages key={side} messages={messages} clamp={clamp} badge={<SideBadge side={side} />} />
        ) : (
          <section key={side} aria-label={t(`side.${side}`)} className="border-l-2 pl-2.5">
            <p className="mb-1">
              <SideBadge side={side} />
            </p>
            <Messages messages={messages} clamp={clamp} />
          </section>
        ),
      )}
    </div>
  );
}

// Which of a preference's answers this is: a sign and a word, never colour alone.
export function SideBadge({ side }: { side: AnswerSide }) {
  const t = useTranslations("datasets");
  const good = side === "chosen" || side === "desirable";
  return (
    <Badge tone={good ? "success" : "danger"}>
      {good ? <ThumbsUpIcon aria-hidden /> : <ThumbsDownIcon aria-hidden />}
      {t(`side.${side}`)}
    </Badge>
  );
}

function Messages({
  messages,
  clamp,
  badge,
}: {
  messages: readonly Message[];
  clamp: string;
  badge?: ReactNode; // instead of the role's
}) {
  const t = useTranslations("datasets");
  return (
    <ul className="space-y-1">
      {messages.map((message, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages have no identity but their place
        <li key={i} className="flex min-w-0 items-baseline gap-2">
          <span className="w-24 shrink-0">
            {badge ?? <Badge tone={tones[message.role]}>{t(`role.${message.role}`)}</Badge>}
          </span>
          <p className={cn("foreign min-w-0 flex-1 text-sm", clamp)}>
            {visible(message.content)}
            {message.weight === undefined || message.weight === 1 ? null : (
              <em className="ml-2 text-muted-foreground text-xs">
                {message.weight === 0 ? t("notTrained") : t("weight", { weight: String(message.weight) })}
              </em>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
