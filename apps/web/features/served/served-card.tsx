"use client";
import { useTranslations } from "next-intl";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { visible } from "../../lib/format.ts";
import { DeploymentActions } from "../deployments/deployment-actions.tsx";
import { DeploymentFacts } from "../deployments/deployment-facts.tsx";
import { DeploymentState } from "../deployments/deployment-state.tsx";
import { DeploymentChip } from "../runs/status-chip.tsx";
import type { ServedName } from "./served-names.ts";

export function ServedCard({ served: { name, current, moving, history } }: { served: ServedName }) {
  const t = useTranslations("served");
  return (
    <Card data-served={name}>
      <CardHeader
        title={
          <span className="flex flex-wrap items-center gap-2">
            <span className="foreign">{visible(name)}</span>
            {current ? <DeploymentChip status={current.status} /> : null}
          </span>
        }
        actions={current ? <DeploymentActions row={current} /> : null}
      />
      <CardBody className="space-y-3">
        {current ? (
          <>
            <DeploymentFacts row={current} withRun />
            <DeploymentState row={current} />
          </>
        ) : moving ? null : (
          <p className="text-muted-foreground text-sm">{t("notOurs")}</p>
        )}
        {moving ? (
          <div className="space-y-2 border-t pt-3">
            <DeploymentChip status={moving.status} />
            <DeploymentState row={moving} />
            <DeploymentFacts row={moving} withRun />
          </div>
        ) : null}
        {history.length > 0 ? (
          <details className="border-t pt-3">
            <summary className="w-fit cursor-pointer text-sm">{t("history", { count: history.length })}</summary>
            <ol aria-label={t("historyOf", { name: visible(name) })} className="mt-2 divide-y">
              {history.map((row) => (
                <li key={row.id} className="space-y-2 py-2.5 first:pt-1 last:pb-0">
                  <div className="flex flex-wrap items-center justify-between gap-2">
                    <DeploymentChip status={row.status} />
                    <span className="flex flex-wrap justify-end gap-1.5">
                      <DeploymentActions row={row} />
                    </span>
                  </div>
                  <DeploymentFacts row={row} withRun />
                  <DeploymentState row={row} />
                </li>
              ))}
            </ol>
          </details>
        ) : null}
      </CardBody>
    </Card>
  );
}
