import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, isNull } from "drizzle-orm";
import { verb } from "../verb.ts";
import { toTokenSummary } from "./rows.ts";

const { apiTokens } = schema;

export const list = verb(api.system.tokens, async (ctx) => {
  const rows = await ctx.db.select().from(apiTokens).where(isNull(apiTokens.revokedAt)).orderBy(desc(apiTokens.id));
  return rows.map(toTokenSummary);
});
