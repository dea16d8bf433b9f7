"use client";
import type { RunDetail } from "@anneal/contracts";
import type { SeriesStore } from "../../lib/series.ts";
import { DeploymentsCard } from "../deployments/deployments-card.tsx";
import { AdaptersCard } from "./adapters-card.tsx";
import { ArtifactsCard } from "./artifacts-card.tsx";
import { EvaluationCard } from "./evaluation-card.tsx";

export function ResultsPanel({ run, store, onPublish }: { run: RunDetail; store: SeriesStore; onPublish: () => void }) {
  return (
    <div className="grid gap-3 [&>*]:min-w-0 xl:grid-cols-2">
      <EvaluationCard run={run} />
      <DeploymentsCard run={run} onPublish={onPublish} />
      <div className="xl:col-span-2 space-y-3">
        <AdaptersCard run={run} store={store} />
        <ArtifactsCard artifacts={run.artifacts} />
      </div>
    </div>
  );
}
