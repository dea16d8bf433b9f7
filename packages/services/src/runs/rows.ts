import type { ArtifactSummary, CheckpointSummary } from "@anneal/contracts";
import type { schema } from "@anneal/db";

// Table rows as the surfaces see them.
export function toCheckpoint(row: typeof schema.checkpoints.$inferSelect): CheckpointSummary {
  const { id, step, digest, bytes, evaluationLoss, exactMatch, isBest, kept } = row;
  return { id, step, digest, bytes, evaluationLoss, exactMatch, isBest, kept, createdAt: row.createdAt.toISOString() };
}

export function toArtifact(row: typeof schema.artifacts.$inferSelect, step: number | null): ArtifactSummary {
  const { createdAt, checkpointId: _, stored: __, ...rest } = row;
  return { ...rest, step, createdAt: createdAt.toISOString() };
}
