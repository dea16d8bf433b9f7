import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";
import { findSummaries } from "./summary.ts";

export const list = verb(api.runs.list, async (ctx, { cursor, limit, status }) => {
  const found = await findSummaries(ctx.db, { before: cursor, status, limit: limit + 1 });
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
});
