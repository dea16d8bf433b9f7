import { api, ServiceError, say } from "@anneal/contracts";
import { channels, schema, type Transaction } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { and, asc, eq, isNull, ne, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { newLink } from "../projects/one-time-link.ts";
import { audit, notFound, verb } from "../verb.ts";

const { apiTokens, invitations, session, user } = schema;

/** An account's row, disabled or not. */
export async function find(ctx: Pick<ServiceContext, "db">, userId: string) {
  const [row] = await ctx.db.select().from(user).where(eq(user.id, userId));
  return row ?? null;
}

export const list = verb(api.users.list, async (ctx) => {
  const rows = await ctx.db
    .select({
      row: user,
      projects: sql<{ name: string; role: "viewer" | "annotator" | "editor" | "admin" }[]>`(select coalesce(json_agg(
        json_build_object('name', p.name, 'role', m.role) order by p.id), '[]') from project_members m
        join projects p on p.id = m.project_id where m.user_id = "user".id)`,
    })
    .from(user)
    .orderBy(asc(user.createdAt), asc(user.id));
  return rows.map(({ row: { id, name, email, administrator, disabledAt, createdAt }, projects }) => ({
    id,
    name,
    email,
    administrator,
    disabledAt: disabledAt?.toISOString() ?? null,
    projects,
    createdAt: createdAt.toISOString(),
  }));
});

// Two administrators who take each other's rights away at once would leave nobody.
const administratorsLock = 0x616e6461;

async function lockUser(tx: Transaction, userId: string) {
  await tx.execute(sql`select pg_advisory_xact_lock(${administratorsLock})`);
  const [row] = await tx.select().from(user).where(eq(user.id, userId)).for("update");
  if (!row) throw notFound("account", userId);
  return row;
}

async function requireAnotherAdministrator(tx: Transaction, userId: string): Promise<void> {
  const [other] = await tx
    .select({ id: user.id })
    .from(user)
    .where(and(eq(user.administrator, true), isNull(user.disabledAt), ne(user.id, userId)))
    .limit(1);
  if (other) return;
  throw new ServiceError("PRECONDITION_FAILED", say`this is the only administrator`, {
    field: "userId",
    remedy: say`make another account an administrator first`,
  });
}

/** Sessions and tokens end in the same transaction; open streams are told by its commit. */
export const setDisabled = verb(api.users.setDisabled, async (ctx, { userId, disabled }) => {
  const changed = await ctx.db.transaction(async (tx) => {
    const row = await lockUser(tx, userId);
    if ((row.disabledAt !== null) === disabled) return false;
    if (disabled && row.administrator) await requireAnotherAdministrator(tx, userId);
    await tx
      .update(user)
      .set({ disabledAt: disabled ? ctx.now() : null })
      .where(eq(user.id, userId));
    if (disabled) {
      await tx.delete(session).where(eq(session.userId, userId));
      await acrossProjects(tx, (all) =>
        all
          .update(apiTokens)
          .set({ revokedAt: ctx.now() })
          .where(and(eq(apiTokens.ownerId, userId), isNull(apiTokens.revokedAt))),
      );
    }
    await audit(tx, ctx, disabled ? "user.disable" : "user.enable", userId, { name: row.name, email: row.email });
    await tx.execute(sql`select pg_notify(${channels.access}, ${userId})`);
    return true;
  });
  return { changed };
});

export const setAdministrator = verb(api.users.setAdministrator, async (ctx, { userId, administrator }) => {
  const changed = await ctx.db.transaction(async (tx) => {
    const row = await lockUser(tx, userId);
    if (row.administrator === administrator) return false;
    if (!administrator) await requireAnotherAdministrator(tx, userId);
    await tx.update(user).set({ administrator }).where(eq(user.id, userId));
    await audit(tx, ctx, "user.setAdministrator", userId, { name: row.name, administrator });
    await tx.execute(sql`select pg_notify(${channels.access}, ${userId})`);
    return true;
  });
  return { changed };
});

/** The links given out before no longer work. */
export const resetPassword = verb(api.users.resetPassword, async (ctx, { userId }) => {
  const { link, hash, expiresAt } = newLink(ctx);
  await ctx.db.transaction(async (tx) => {
    const row = await lockUser(tx, userId);
    if (row.disabledAt) throw notFound("account", userId);
    const now = ctx.now();
    await acrossProjects(tx, async (all) => {
      await all
        .update(invitations)
        .set({ usedAt: now })
        .where(and(eq(invitations.userId, userId), isNull(invitations.usedAt)));
      await all
        .insert(invitations)
        .values({ projectId: null, userId, hash, createdBy: ctx.actor.id, createdAt: now, expiresAt });
    });
    await audit(tx, ctx, "user.resetPassword", userId, { name: row.name, email: row.email });
  });
  return link;
});
