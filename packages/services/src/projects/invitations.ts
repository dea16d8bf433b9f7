import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, gt, isNotNull, isNull } from "drizzle-orm";
import { audit, notFound, verb } from "../verb.ts";
import { currentProject } from "./manage.ts";
import { newLink } from "./one-time-link.ts";

const { invitations: table } = schema;

/** A link by which one person joins the project; with an e-mail address, that person alone. */
export const invite = verb(api.projects.invite, async (ctx, { role, email }) => {
  const projectId = currentProject(ctx);
  const { link, hash, expiresAt } = newLink(ctx);
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx
      .insert(table)
      .values({
        projectId,
        role,
        email: email?.toLowerCase() ?? null,
        hash,
        createdBy: ctx.actor.id,
        createdAt: ctx.now(),
        expiresAt,
      })
      .returning({ id: table.id });
    if (!row) throw new Error("insert returned no row");
    await audit(tx, ctx, "project.invite", row.id, { role, email: email ?? null });
  });
  return link;
});

export const invitations = verb(api.projects.invitations, async (ctx) => {
  const rows = await ctx.db
    .select()
    .from(table)
    .where(
      and(
        eq(table.projectId, currentProject(ctx)),
        isNotNull(table.role),
        isNull(table.usedAt),
        gt(table.expiresAt, ctx.now()),
      ),
    )
    .orderBy(desc(table.id));
  return rows.map(({ id, role, email, createdAt, expiresAt }) => ({
    id,
    role: role ?? "viewer",
    email,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }));
});

export const withdrawInvitation = verb(api.projects.withdrawInvitation, (ctx, { invitationId }) =>
  ctx.db.transaction(async (tx) => {
    const gone = await tx
      .update(table)
      .set({ usedAt: ctx.now() })
      .where(and(eq(table.id, invitationId), eq(table.projectId, currentProject(ctx)), isNull(table.usedAt)))
      .returning({ id: table.id });
    if (gone.length === 0) throw notFound("invitation", invitationId);
    await audit(tx, ctx, "project.withdrawInvitation", invitationId);
    return { changed: true };
  }),
);
