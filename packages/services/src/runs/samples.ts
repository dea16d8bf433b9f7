import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { asc, eq } from "drizzle-orm";
import { verb } from "../verb.ts";

const { samples: table } = schema;

export const samples = verb(api.runs.samples, async (ctx, { runId }) => {
  const rows = await ctx.db
    .select()
    .from(table)
    .where(eq(table.runId, runId))
    .orderBy(asc(table.step), asc(table.position));
  return rows.map(({ step, prompt, expected, answer, thought, cut, adapter, createdAt }) => ({
    step,
    prompt,
    expected,
    answer,
    thought,
    cut,
    adapter,
    createdAt: createdAt.toISOString(),
  }));
});
