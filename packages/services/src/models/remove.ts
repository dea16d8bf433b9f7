import { api, finalStatuses, ServiceError, say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, count, eq, notInArray, sql } from "drizzle-orm";
import { audit, notFound, verb } from "../verb.ts";

const { models, runs } = schema;

/** Takes a model out of the registry; its files stay where they are. */
export const remove = verb(api.models.remove, async (ctx, { modelId }) => {
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(models).where(eq(models.id, modelId)).for("update");
    if (!row) throw notFound("model", modelId);
    const [used] = await tx
      .select({ runs: count() })
      .from(runs)
      .where(and(sql`${runs.spec}->>'base' = ${`model:${modelId}`}`, notInArray(runs.status, [...finalStatuses])));
    if (used && used.runs > 0)
      throw new ServiceError(
        "PRECONDITION_FAILED",
        used.runs === 1
          ? say`1 unfinished run starts from this model`
          : say`${used.runs} unfinished [run starts|runs start] from this model`,
        {
          field: "modelId",
          remedy: say`cancel those runs or let them finish first`,
        },
      );
    await audit(tx, ctx, "model.remove", modelId, { name: row.name, ref: row.ref });
    await tx.delete(models).where(eq(models.id, modelId));
  });
  return { removed: true };
});
