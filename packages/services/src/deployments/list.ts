import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, eq } from "drizzle-orm";
import { toDeployment } from "../runs/rows.ts";
import { verb } from "../verb.ts";

const { deployments } = schema;

export const list = verb(api.deployments.list, async (ctx, input) => {
  const rows = await ctx.db
    .select()
    .from(deployments)
    .where(input?.runId ? eq(deployments.runId, input.runId) : undefined)
    .orderBy(desc(deployments.id))
    .limit(1000);
  return rows.map(toDeployment);
});
