import { schema } from "@anneal/db";
import { and, eq, isNull } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { artifacts, checkpoints, deployments } = schema;
type Row = typeof deployments.$inferSelect;

export interface PublishedFile {
  id: string;
  runId: string | null;
  file: string;
  digest: string;
  bytes: number;
}

/** The GGUF file a deployment publishes, when it has been exported already. */
export async function deploymentFile(ctx: Pick<ServiceContext, "db">, row: Row): Promise<PublishedFile | null> {
  const columns = {
    id: artifacts.id,
    runId: artifacts.runId,
    file: artifacts.file,
    digest: artifacts.digest,
    bytes: artifacts.bytes,
  };
  if (row.artifactId) {
    const [file] = await ctx.db.select(columns).from(artifacts).where(eq(artifacts.id, row.artifactId));
    return file ?? null;
  }
  if (!row.runId) return null;
  const [file] = await ctx.db
    .select(columns)
    .from(artifacts)
    .where(
      and(
        eq(artifacts.runId, row.runId),
        eq(artifacts.kind, "gguf"),
        eq(artifacts.ggufType, row.gguf),
        row.checkpointId ? eq(artifacts.checkpointId, row.checkpointId) : isNull(artifacts.checkpointId),
      ),
    );
  return file ?? null;
}

export async function findCheckpoint(
  ctx: Pick<ServiceContext, "db">,
  checkpointId: string,
): Promise<typeof checkpoints.$inferSelect | null> {
  const [row] = await ctx.db.select().from(checkpoints).where(eq(checkpoints.id, checkpointId));
  return row ?? null;
}

interface NewFile {
  kind: "gguf";
  name: string;
  ggufType: string;
  digest: string;
  bytes: number;
  file: string; // its place in the run's folder
}

/** A file exported for a deployment; the same file made again replaces its row's content. */
export async function storeDeploymentFile(
  ctx: Pick<ServiceContext, "db" | "now">,
  row: Row,
  file: NewFile,
): Promise<PublishedFile> {
  const { digest, bytes, file: place } = file;
  const [stored] = await ctx.db
    .insert(artifacts)
    .values({ runId: row.runId, checkpointId: row.checkpointId, createdAt: ctx.now(), ...file })
    .onConflictDoUpdate({
      target: [artifacts.runId, artifacts.kind, artifacts.name],
      set: { digest, bytes, file: place, stored: true },
    })
    .returning({ id: artifacts.id });
  if (!stored) throw new Error("insert returned no row");
  return { id: stored.id, runId: row.runId, file: place, digest, bytes };
}
