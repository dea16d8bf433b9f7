"use client";
import type { DeploymentSummary } from "@anneal/contracts";
import { RotateCcwIcon, Undo2Icon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { visible } from "../../lib/format.ts";
import { useDeploymentAction } from "./use-deployment-action.ts";

const again: readonly DeploymentSummary["status"][] = ["failed", "unreachable", "drifted", "superseded", "rolled_back"];

export function DeploymentActions({ row }: { row: DeploymentSummary }) {
  const t = useTranslations("run.deployments");
  const action = useDeploymentAction();
  const [asking, setAsking] = useState(false);
  const name = visible(row.name);
  return (
    <>
      {again.includes(row.status) ? (
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
      {action.error && !asking ? <ProblemNotice error={action.error} className="w-full" /> : null}
      <ConfirmDialog
        open={asking}
        onOpenChange={(open) => {
          setAsking(open);
          if (!open) action.reset();
        }}
        title={t("rollbackConfirm", { name })}
        body={t("rollbackBody", { name })}
        confirm={t("rollback")}
        working={action.isPending}
        error={action.error}
        onConfirm={() =>
          action.mutate({ verb: "rollback", deploymentId: row.id }, { onSuccess: () => setAsking(false) })
        }
      />
    </>
  );
}
