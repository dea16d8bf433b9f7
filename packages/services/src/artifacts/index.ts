import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, eq } from "drizzle-orm";
import { toArtifact } from "../runs/rows.ts";
import { notFound, verb } from "../verb.ts";

const { artifacts } = schema;

export const list = verb(api.artifacts.list, async (ctx, input) => {
  const rows = await ctx.db
    .select()
    .from(artifacts)
    .where(input?.runId ? eq(artifacts.runId, input.runId) : undefined)
    .orderBy(desc(artifacts.id))
    .limit(1000);
  return rows.map(toArtifact);
});

export const get = verb(api.artifacts.get, async (ctx, { artifactId }) => {
  const [row] = await ctx.db.select().from(artifacts).where(eq(artifacts.id, artifactId));
  if (!row) throw notFound("artifact", artifactId);
  return toArtifact(row);
});
