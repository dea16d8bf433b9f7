import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, lt } from "drizzle-orm";
import { verb } from "../verb.ts";

/** Who did what, newest first. */
export const auditTrail = verb(api.system.audit, async (ctx, { cursor, limit }) => {
  const rows = await ctx.db
    .select()
    .from(schema.audit)
    .where(cursor ? lt(schema.audit.id, cursor) : undefined)
    .orderBy(desc(schema.audit.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map(({ id, time, actorName, action, subject, details }) => ({
    id,
    time: time.toISOString(),
    actor: actorName,
    action,
    subject,
    details,
  }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
});
