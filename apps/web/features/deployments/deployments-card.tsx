"use client";
import type { RunDetail } from "@anneal/contracts";
import { CloudUploadIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { EmptyState } from "../../components/empty-state.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { visible } from "../../lib/format.ts";
import { DeploymentChip } from "../runs/status-chip.tsx";
import { NoWorkerNotice } from "../shell/no-worker-notice.tsx";
import { DeploymentActions } from "./deployment-actions.tsx";
import { DeploymentFacts } from "./deployment-facts.tsx";
import { DeploymentState, isMoving } from "./deployment-state.tsx";

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
        <EmptyState compact icon={CloudUploadIcon} title={t("empty")} action={publish}>
          {t("emptyBody")}
        </EmptyState>
      ) : (
        <>
          {run.deployments.some(isMoving) ? <NoWorkerNotice to="serve" className="mx-4 mb-2" /> : null}
          <ul className="divide-y">
            {run.deployments.map((row) => (
              <li key={row.id} className="space-y-2.5 px-4 py-3" data-deployment={row.id}>
                <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
                  <span className="foreign font-medium">{visible(row.name)}</span>
                  <DeploymentChip status={row.status} />
                  <span className="ml-auto flex flex-wrap justify-end gap-1.5">
                    <DeploymentActions row={row} />
                  </span>
                </div>
                <DeploymentState row={row} />
                <DeploymentFacts row={row} />
              </li>
            ))}
          </ul>
          <p className="border-t px-4 py-2.5 text-xs">
            <Link href="/served" className="text-primary underline underline-offset-2">
              {t("servedLink")}
            </Link>
          </p>
        </>
      )}
    </Card>
  );
}
