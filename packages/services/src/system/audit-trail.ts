import { api } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { desc, lt } from "drizzle-orm";
import { idsIn, namesOf } from "../names.ts";
import { verb } from "../verb.ts";

/** Who did what, newest first: in the project, or anywhere for who looks after the installation. */
export const auditTrail = verb(api.system.audit, async (ctx, { cursor, limit }) => {
  const read = (db: Pick<Transaction, "select">) =>
    db
      .select()
      .from(schema.audit)
      .where(cursor ? lt(schema.audit.id, cursor) : undefined)
      .orderBy(desc(schema.audit.id))
      .limit(limit + 1);
  const rows = ctx.actor.permissions.includes("system:admin")
    ? await ctx.db.transaction((tx) => acrossProjects(tx, read))
    : await read(ctx.db);
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
