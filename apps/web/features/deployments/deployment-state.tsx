"use client";
import type { DeploymentSummary } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { CopyButton } from "../../components/copy-button.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { useDurations } from "../../components/time.tsx";
import { Progress } from "../../components/ui/progress.tsx";
import { formatPercent, visible } from "../../lib/format.ts";
import { usePhaseWords } from "./phase-words.ts";

export const isMoving = ({ status }: Pick<DeploymentSummary, "status">) =>
  status === "pending" || status === "publishing";

// How far a publication is, what went wrong with it, or how to ask the model it serves.
export function DeploymentState({ row }: { row: DeploymentSummary }) {
  const t = useTranslations("run.deployments");
  const progress = useTranslations("run.progress");
  const phaseWords = usePhaseWords();
  const { duration } = useDurations();
  const command = `ollama run ${row.name}`;
  return (
    <>
      {isMoving(row) ? (
        <div className="space-y-1">
          <Progress value={row.fraction} label={t("progress", { name: visible(row.name) })} />
          <p className="tabular flex justify-between gap-3 text-muted-foreground text-xs">
            <span className="foreign">
              {row.phase ? phaseWords(row.phase) : null}
              {row.fraction === null ? null : ` ${formatPercent(row.fraction, 0)}`}
            </span>
            {row.etaSeconds ? <span>{progress("eta", { duration: duration(row.etaSeconds) })}</span> : null}
          </p>
        </div>
      ) : null}
      {row.problem ? (
        <ProblemNotice
          error={row.problem}
          tone={row.status === "failed" ? "danger" : "warning"}
          {...(row.status === "live" ? { heading: t("rollbackFailed") } : {})}
        />
      ) : row.status === "unreachable" ? (
        <p className="text-muted-foreground text-sm">{t("unreachable")}</p>
      ) : null}
      {row.status === "live" ? (
        <div className="flex flex-wrap items-center gap-2 text-sm">
          <span className="text-muted-foreground">{t("ask")}</span>
          <code className="foreign rounded bg-muted px-2 py-1 font-mono text-xs">{visible(command)}</code>
          <CopyButton text={command} />
        </div>
      ) : null}
    </>
  );
}
