import { api, type MemberSummary, ServiceError, say } from "@anneal/contracts";
import { channels, schema, type Transaction } from "@anneal/db";
import { and, asc, eq, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, notFound, verb } from "../verb.ts";
import { currentProject, requireAccount } from "./manage.ts";

const { projectMembers, projects, user } = schema;

async function findMembers(db: Pick<ServiceContext["db"], "select">, projectId: string): Promise<MemberSummary[]> {
  return db
    .select({
      userId: user.id,
      name: user.name,
      email: user.email,
      role: projectMembers.role,
      owner: sql<boolean>`coalesce(${projects.ownerId} = ${user.id}, false)`,
      disabled: sql<boolean>`${user.disabledAt} is not null`,
    })
    .from(projectMembers)
    .innerJoin(user, eq(user.id, projectMembers.userId))
    .innerJoin(projects, eq(projects.id, projectMembers.projectId))
    .where(eq(projectMembers.projectId, projectId))
    .orderBy(asc(user.name), asc(user.id));
}

export const members = verb(api.projects.members, (ctx) => findMembers(ctx.db, currentProject(ctx)));

// Locked, so that the owner does not change between the look and the write.
async function refuseOwner(tx: Transaction, projectId: string, userId: string): Promise<void> {
  const [row] = await tx
    .select({ ownerId: projects.ownerId })
    .from(projects)
    .where(eq(projects.id, projectId))
    .for("update");
  if (row?.ownerId !== userId) return;
  throw new ServiceError("PRECONDITION_FAILED", say`the owner of a project stays its administrator`, {
    field: "userId",
    remedy: say`hand the project over to somebody else first`,
  });
}

/** Gives an account a role here, as a member of old or a new one. */
export const setMember = verb(api.projects.setMember, async (ctx, { userId, role }) => {
  const projectId = currentProject(ctx);
  return ctx.db.transaction(async (tx) => {
    const { name } = await requireAccount(tx, userId);
    if (role !== "admin") await refuseOwner(tx, projectId, userId);
    await tx
      .insert(projectMembers)
      .values({ projectId, userId, role, createdAt: ctx.now() })
      .onConflictDoUpdate({ target: [projectMembers.projectId, projectMembers.userId], set: { role } });
    await audit(tx, ctx, "project.setMember", userId, { name, role });
    await tx.execute(sql`select pg_notify(${channels.access}, ${userId})`);
    const member = (await findMembers(tx, projectId)).find((one) => one.userId === userId);
    if (!member) throw notFound("account", userId);
    return member;
  });
});

/** From the next request on the account sees nothing here; its streams end, its tokens of the project are revoked. */
export const removeMember = verb(api.projects.removeMember, async (ctx, { userId }) => {
  const projectId = currentProject(ctx);
  return ctx.db.transaction(async (tx) => {
    await refuseOwner(tx, projectId, userId);
    const gone = await tx
      .delete(projectMembers)
      .where(and(eq(projectMembers.projectId, projectId), eq(projectMembers.userId, userId)))
      .returning({ userId: projectMembers.userId });
    if (gone.length === 0) throw notFound("account", userId);
    await tx
      .update(schema.apiTokens)
      .set({ revokedAt: ctx.now() })
      .where(and(eq(schema.apiTokens.ownerId, userId), sql`${schema.apiTokens.revokedAt} is null`));
    await audit(tx, ctx, "project.removeMember", userId);
    await tx.execute(sql`select pg_notify(${channels.access}, ${userId})`);
    return { changed: true };
  });
});
