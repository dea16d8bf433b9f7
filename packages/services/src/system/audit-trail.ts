import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, lt } from "drizzle-orm";
import { idsIn, namesOf } from "../names.ts";
import { verb } from "../verb.ts";

/** Who did what, newest first. */
export const auditTrail = verb(api.system.audit, async (ctx, { cursor, limit }) => {
  const rows = await ctx.db
    .select()
    .from(schema.audit)
    .where(cursor ? lt(schema.audit.id, cursor) : undefined)
    .orderBy(desc(schema.audit.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  const names = await namesOf(ctx, idsIn(shown.map(({ subject, details }) => [subject, details])));
  const items = shown.map(({ id, time, actorName, actorKind, actorId, action, subject, details }) => ({
    id,
    time: time.toISOString(),
    actor: actorName,
    actorKind,
    actorId,
    action,
    subject,
    details,
    names: Object.fromEntries(idsIn([subject, details]).flatMap((one) => (names[one] ? [[one, names[one]]] : []))),
  }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
});
