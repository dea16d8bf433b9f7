"use client";
import { type RunDetail, reportIn, reportPath } from "@anneal/contracts";
import { CloudUploadIcon, CopyPlusIcon, FileTextIcon } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useLocale, useTranslations } from "next-intl";
import { useState } from "react";
import { PageHeader } from "../../components/page-header.tsx";
import { RelativeTime } from "../../components/time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { visible } from "../../lib/format.ts";
import { LiveBadge } from "../live/live-badge.tsx";
import { actionIcons } from "../runs/action-icons.ts";
import { type Asked, RunActionDialogs } from "../runs/run-action-dialogs.tsx";
import { actionsFor, isFinal } from "../runs/run-actions.ts";
import { StatusChip } from "../runs/status-chip.tsx";
import { useBaseWords } from "../runs/use-base-words.ts";
import { useRunActions } from "../runs/use-run-actions.ts";

export function RunHeader({ run, onPublish }: { run: RunDetail; onPublish: () => void }) {
  const t = useTranslations("run.header");
  const runs = useTranslations("runs");
  const options = useTranslations("spec.options");
  const router = useRouter();
  const baseWords = useBaseWords();
  const report = reportIn(run.artifacts, useLocale());
  const [asked, setAsked] = useState<Asked>(null);
  const action = useRunActions(run.id, () => router.replace("/runs"));
  const publishable = run.status === "succeeded" || run.checkpoints.some(({ kept }) => kept);
  return (
    <>
      <PageHeader
        back={{ href: "/runs", label: runs("title") }}
        titleText={visible(run.name)}
        title={
          <>
            <span className="foreign">{visible(run.name)}</span>
            <StatusChip status={run.status} />
            {isFinal(run.status) ? null : <LiveBadge />}
          </>
        }
        description={
          <span className="flex flex-wrap gap-x-2">
            <span className="foreign" title={visible(run.base)}>
              {baseWords(run)}
            </span>
            <span>·</span>
            <span className="foreign">
              {visible(run.datasetName)} {t("version", { number: run.datasetVersion })}
            </span>
            <span>·</span>
            <span>
              {run.methodKind === "full" ? runs("method.full") : runs("method.lora")} {run.precision}
            </span>
            {run.spec.objective.kind === "sft" ? null : (
              <>
                <span>·</span>
                <span>{options(`objective.${run.spec.objective.kind}`)}</span>
              </>
            )}
            <span>·</span>
            <RelativeTime iso={run.createdAt} />
          </span>
        }
        actions={
          <fieldset aria-label={t("actions")} className="flex min-w-0 flex-wrap items-center gap-2">
            {report ? (
              <Button asChild>
                <a href={reportPath(report.id)} target="_blank" rel="noopener">
                  <FileTextIcon aria-hidden />
                  {t("report")}
                </a>
              </Button>
            ) : null}
            {actionsFor(run.status).map((name) => {
              const Icon = actionIcons[name];
              return (
                <Button
                  key={name}
                  disabled={action.isPending}
                  {...(name === "resume" && run.status === "paused" ? { variant: "primary" as const } : {})}
                  {...(name === "remove" ? { className: "text-destructive" } : {})}
                  onClick={() => (name === "cancel" || name === "remove" ? setAsked(name) : action.mutate(name))}
                >
                  <Icon aria-hidden />
                  {runs(`do.${name}`)}
                </Button>
              );
            })}
            <Button asChild>
              <Link href={`/runs/new?from=${run.id}`}>
                <CopyPlusIcon aria-hidden />
                {runs("clone")}
              </Link>
            </Button>
            {publishable ? (
              <Button variant={run.status === "paused" ? "outline" : "primary"} onClick={onPublish}>
                <CloudUploadIcon aria-hidden />
                {t("publish")}
              </Button>
            ) : null}
          </fieldset>
        }
      />
      <RunActionDialogs asked={asked} onAsk={setAsked} action={action} />
    </>
  );
}
