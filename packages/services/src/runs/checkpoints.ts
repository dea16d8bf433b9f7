import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, eq } from "drizzle-orm";
import { verb } from "../verb.ts";
import { toCheckpoint } from "./rows.ts";

const { checkpoints: table } = schema;

export const checkpoints = verb(api.runs.checkpoints, async (ctx, { runId }) => {
  const rows = await ctx.db.select().from(table).where(eq(table.runId, runId)).orderBy(desc(table.step));
  return rows.map(toCheckpoint);
});
