import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";
import { countByStatus, findSummaries } from "./summary.ts";

export const list = verb(api.runs.list, async (ctx, { cursor, limit, status, search }) => {
  const [found, counts] = await Promise.all([
    findSummaries(ctx.db, { before: cursor, status, search, limit: limit + 1 }),
    countByStatus(ctx.db, { search }),
  ]);
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null, counts };
});
