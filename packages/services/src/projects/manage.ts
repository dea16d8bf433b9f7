import { api, type ProjectSummary, ServiceError, say } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { audit, notFound, verb } from "../verb.ts";
import { findProjects } from "./find.ts";

const { projectMembers, projects, user } = schema;

/** The project that a call was made in. */
export function currentProject(ctx: Pick<ServiceContext, "projectId">): string {
  if (ctx.projectId) return ctx.projectId;
  throw new ServiceError("NOT_FOUND", say`you are a member of no project`, {
    field: "project",
    remedy: say`ask an administrator to invite you into one`,
  });
}

async function summaryOf(ctx: ServiceContext, projectId: string): Promise<ProjectSummary> {
  const [summary] = await findProjects(ctx, eq(projects.id, projectId));
  if (!summary) throw notFound("project", projectId);
  return summary;
}

const nameTaken = (name: string) =>
  new ServiceError("CONFLICT", say`name: a project is named ${name} already`, {
    field: "name",
    remedy: say`choose another name`,
  });

export const list = verb(api.projects.list, async (ctx) => {
  const found = await findProjects(ctx);
  const all = ctx.actor.permissions.includes("system:admin");
  return found.filter(({ role, current }) => all || role !== null || current);
});

export const create = verb(api.projects.create, async (ctx, { name }) => {
  const id = newId();
  const owner = ctx.actor.userId ?? null;
  await ctx.db.transaction(async (tx) => {
    const made = await tx
      .insert(projects)
      .values({ id, name, ownerId: owner, createdBy: ctx.actor.id, createdAt: ctx.now() })
      .onConflictDoNothing()
      .returning({ id: projects.id });
    if (made.length === 0) throw nameTaken(name);
    if (owner) await tx.insert(projectMembers).values({ projectId: id, userId: owner, role: "admin" });
    await audit(tx, ctx, "project.create", id, { name });
  });
  return summaryOf(ctx, id);
});

export const rename = verb(api.projects.rename, async (ctx, { name }) => {
  const id = currentProject(ctx);
  await ctx.db.transaction(async (tx) => {
    const [other] = await tx.select({ id: projects.id }).from(projects).where(eq(projects.name, name)).for("update");
    if (other && other.id !== id) throw nameTaken(name);
    await tx.update(projects).set({ name }).where(eq(projects.id, id));
    await audit(tx, ctx, "project.rename", id, { name });
  });
  return summaryOf(ctx, id);
});

/** An account that can be a member: one that is there and not disabled. */
export async function requireAccount(tx: Transaction, userId: string) {
  const [row] = await tx.select().from(user).where(eq(user.id, userId)).for("share");
  if (!row || row.disabledAt) throw notFound("account", userId);
  return row;
}

export const setOwner = verb(api.projects.setOwner, async (ctx, { userId }) => {
  const id = currentProject(ctx);
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.select().from(projects).where(eq(projects.id, id)).for("update");
    if (!row) throw notFound("project", id);
    if (row.ownerId !== (ctx.actor.userId ?? null) && !ctx.actor.permissions.includes("system:admin"))
      throw new ServiceError("FORBIDDEN", say`only its owner hands a project over`, {
        remedy: say`ask the owner, or an administrator of the installation`,
      });
    const { name } = await requireAccount(tx, userId);
    await tx
      .insert(projectMembers)
      .values({ projectId: id, userId, role: "admin" })
      .onConflictDoUpdate({ target: [projectMembers.projectId, projectMembers.userId], set: { role: "admin" } });
    await tx.update(projects).set({ ownerId: userId }).where(eq(projects.id, id));
    await audit(tx, ctx, "project.setOwner", id, { userId, name });
  });
  return summaryOf(ctx, id);
});
