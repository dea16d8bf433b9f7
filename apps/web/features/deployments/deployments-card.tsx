"use client";
import type { DeploymentSummary, RunDetail } from "@anneal/contracts";
import { CloudUploadIcon, RotateCcwIcon, Undo2Icon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { CopyButton } from "../../components/copy-button.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { RelativeTime } from "../../components/time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { Progress } from "../../components/ui/progress.tsx";
import { formatDuration, formatPercent, visible } from "../../lib/format.ts";
import { DeploymentChip } from "../runs/status-chip.tsx";
import { usePhaseWords } from "./phase-words.ts";
import { useDeploymentAction } from "./use-deployment-action.ts";

export function DeploymentsCard({ run, onPublish }: { run: RunDetail; onPublish: () => void }) {
  const t = useTranslations("run.deployments");
  const header = useTranslations("run.header");
  const publishable = run.status === "succeeded" || run.checkpoints.some(({ kept }) => kept);
  const publish = publishable ? (
    <Button size="sm" onClick={onPublish}>
      <CloudUploadIcon aria-hidden />
      {header("publish")}
    </Button>
  ) : null;
  return (
    <Card>
      <CardHeader title={t("title")} actions={run.deployments.length > 0 ? publish : null} />
      {run.deployments.length === 0 ? (
        <EmptyState icon={CloudUploadIcon} title={t("empty")} action={publish}>
          {t("emptyBody")}
        </EmptyState>
      ) : (
        <ul className="divide-y">
          {run.deployments.map((row) => (
            <li key={row.id}>
              <Deployment row={row} runId={run.id} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Deployment({ row, runId }: { row: DeploymentSummary; runId: string }) {
  const t = useTranslations("run.deployments");
  const progress = useTranslations("run.progress");
  const phaseWords = usePhaseWords();
  const action = useDeploymentAction(runId);
  const [asking, setAsking] = useState(false);
  const moving = row.status === "pending" || row.status === "publishing";
  const again = ["failed", "unreachable", "drifted"].includes(row.status);
  const command = `ollama run ${row.name}`;
  return (
    <div className="space-y-2.5 px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <span className="foreign font-medium">{visible(row.name)}</span>
        <DeploymentChip status={row.status} />
        <span className="text-muted-foreground text-xs">
          <RelativeTime iso={row.finishedAt ?? row.createdAt} />
        </span>
        <span className="ml-auto flex gap-1.5">
          {again ? (
            <Button
              size="sm"
              disabled={action.isPending}
              onClick={() => action.mutate({ verb: "retry", deploymentId: row.id })}
            >
              <RotateCcwIcon aria-hidden />
              {t("again")}
            </Button>
          ) : null}
          {row.status === "live" && row.previousDigest ? (
            <Button size="sm" onClick={() => setAsking(true)}>
              <Undo2Icon aria-hidden />
              {t("rollback")}
            </Button>
          ) : null}
        </span>
      </div>
      {moving ? (
        <div className="space-y-1">
          <Progress value={row.fraction} label={t("progress", { name: visible(row.name) })} />
          <p className="tabular flex justify-between gap-3 text-muted-foreground text-xs">
            <span className="foreign">
              {row.phase ? phaseWords(row.phase) : null}
              {row.fraction === null ? null : ` ${formatPercent(row.fraction, 0)}`}
            </span>
            {row.etaSeconds ? <span>{progress("eta", { duration: formatDuration(row.etaSeconds) })}</span> : null}
          </p>
        </div>
      ) : null}
      {row.problem ? (
        <ProblemNotice error={row.problem} tone={row.status === "failed" ? "danger" : "warning"} />
      ) : row.status === "unreachable" ? (
        <p className="text-muted-foreground text-sm">{t("unreachable")}</p>
      ) : null}
      {action.error && !asking ? <ProblemNotice error={action.error} /> : null}
      {row.status === "live" ? (
        <div className="flex flex-wrap items-center gap-2 text-sm">
          <span className="text-muted-foreground">{t("ask")}</span>
          <code className="foreign rounded bg-muted px-2 py-1 font-mono text-xs">{visible(command)}</code>
          <CopyButton text={command} />
        </div>
      ) : null}
      <ConfirmDialog
        open={asking}
        onOpenChange={(open) => {
          setAsking(open);
          if (!open) action.reset();
        }}
        title={t("rollbackConfirm", { name: visible(row.name) })}
        body={t("rollbackBody", { name: visible(row.name) })}
        confirm={t("rollback")}
        working={action.isPending}
        error={action.error}
        onConfirm={() =>
          action.mutate({ verb: "rollback", deploymentId: row.id }, { onSuccess: () => setAsking(false) })
        }
      />
    </div>
  );
}
