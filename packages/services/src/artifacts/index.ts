import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, eq, getTableColumns } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { toArtifact } from "../runs/rows.ts";
import { notFound, verb } from "../verb.ts";

const { artifacts, checkpoints } = schema;
type Context = Pick<ServiceContext, "db">;

const selectArtifacts = ({ db }: Context) =>
  db
    .select({ row: getTableColumns(artifacts), step: checkpoints.step })
    .from(artifacts)
    .leftJoin(checkpoints, eq(checkpoints.id, artifacts.checkpointId));

export const list = verb(api.artifacts.list, async (ctx, input) => {
  const rows = await selectArtifacts(ctx)
    .where(input?.runId ? eq(artifacts.runId, input.runId) : undefined)
    .orderBy(desc(artifacts.id))
    .limit(1000);
  return rows.map(({ row, step }) => toArtifact(row, step));
});

export const get = verb(api.artifacts.get, async (ctx, { artifactId }) => {
  const [found] = await selectArtifacts(ctx).where(eq(artifacts.id, artifactId));
  if (!found) throw notFound("artifact", artifactId);
  return toArtifact(found.row, found.step);
});
