"use client";
import type { RunDetail } from "@anneal/contracts";
import { DeploymentsCard } from "../deployments/deployments-card.tsx";
import { ArtifactsCard } from "./artifacts-card.tsx";
import { EvaluationCard } from "./evaluation-card.tsx";

export function ResultsPanel({ run, onPublish }: { run: RunDetail; onPublish: () => void }) {
  return (
    <div className="grid gap-3 [&>*]:min-w-0 xl:grid-cols-2">
      <EvaluationCard run={run} />
      <DeploymentsCard run={run} onPublish={onPublish} />
      <div className="xl:col-span-2">
        <ArtifactsCard artifacts={run.artifacts} />
      </div>
    </div>
  );
}
