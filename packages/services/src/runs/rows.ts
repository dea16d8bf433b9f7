import type { ArtifactSummary, CheckpointSummary, DeploymentSummary } from "@anneal/contracts";
import type { schema } from "@anneal/db";
import { iso } from "./summary.ts";

// Table rows as the surfaces see them.
export function toCheckpoint(row: typeof schema.checkpoints.$inferSelect): CheckpointSummary {
  const { id, step, digest, bytes, evaluationLoss, exactMatch, isBest, kept } = row;
  return { id, step, digest, bytes, evaluationLoss, exactMatch, isBest, kept, createdAt: row.createdAt.toISOString() };
}

export function toArtifact(row: typeof schema.artifacts.$inferSelect): ArtifactSummary {
  const { createdAt, checkpointId: _, ...rest } = row;
  return { ...rest, createdAt: createdAt.toISOString() };
}

export function toDeployment(row: typeof schema.deployments.$inferSelect): DeploymentSummary {
  const { id, runId, artifactId, name, status, phase, fraction, etaSeconds, ollamaDigest, previousDigest, problem } =
    row;
  return {
    id,
    runId,
    artifactId,
    name,
    status,
    phase,
    fraction,
    etaSeconds,
    ollamaDigest,
    previousDigest,
    problem,
    createdAt: row.createdAt.toISOString(),
    finishedAt: iso(row.finishedAt),
  };
}
