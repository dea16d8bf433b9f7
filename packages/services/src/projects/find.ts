import type { ProjectRole, ProjectSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { asc, eq, type SQL, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { projectMembers, projects, user } = schema;

export interface Access {
  projectId: string;
  name: string;
  /** The owner's is admin; null: no member. */
  role: ProjectRole | null;
}

const roleOf = (userId: string) => sql<ProjectRole | null>`case when ${projects.ownerId} = ${userId} then 'admin' else
  (select m.role from ${projectMembers} m where m.project_id = ${projects.id} and m.user_id = ${userId}) end`;

/** Every project with the role that an account has there, oldest first: the default one, then as they were made. */
export async function accessOf(ctx: Pick<ServiceContext, "db">, userId: string): Promise<Access[]> {
  return ctx.db
    .select({ projectId: projects.id, name: projects.name, role: roleOf(userId) })
    .from(projects)
    .orderBy(asc(projects.id));
}

export async function findProjects(
  ctx: Pick<ServiceContext, "db" | "actor" | "projectId">,
  where?: SQL,
): Promise<ProjectSummary[]> {
  const rows = await ctx.db
    .select({
      id: projects.id,
      name: projects.name,
      ownerName: user.name,
      members: sql<number>`(select count(*)::int from ${projectMembers} m where m.project_id = ${projects.id})`,
      role: roleOf(ctx.actor.userId ?? ""),
      createdAt: projects.createdAt,
    })
    .from(projects)
    .leftJoin(user, eq(user.id, projects.ownerId))
    .where(where)
    .orderBy(asc(projects.id));
  return rows.map((row) => ({
    ...row,
    current: row.id === ctx.projectId,
    createdAt: row.createdAt.toISOString(),
  }));
}
