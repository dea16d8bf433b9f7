import { api, ServiceError, say } from "@anneal/contracts";
import { schema, type Transaction } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { eq } from "drizzle-orm";
import { audit, verb } from "../verb.ts";
import { toTokenSummary } from "./rows.ts";
import { hashOf, newToken } from "./secret.ts";

const { apiTokens } = schema;
const dayMilliseconds = 86_400_000;

const earliest = (a: Date | null, b: Date | null) => (a && b ? (a < b ? a : b) : (a ?? b));

// Locked, so that it cannot be revoked between the look and the child's row.
async function lockedParent(tx: Transaction, id: string) {
  // The machine's own token is of no project.
  const [parent] = await acrossProjects(tx, (all) =>
    all
      .select({ id: apiTokens.id, expiresAt: apiTokens.expiresAt, revokedAt: apiTokens.revokedAt })
      .from(apiTokens)
      .where(eq(apiTokens.id, id))
      .for("update"),
  );
  if (parent?.revokedAt)
    throw new ServiceError("UNAUTHENTICATED", say`the API token is unknown, revoked or expired`, {
      remedy: say`make a new one under Settings, and send it as Authorization: Bearer anl_...`,
    });
  return parent ?? null;
}

/** Makes an API token, which ends with the token that made it at the latest, and shows it this once. Nobody can hand out a permission that is not theirs. */
export const create = verb(api.system.createToken, async (ctx, { name, permissions, expiresInDays }) => {
  const beyond = permissions.filter((permission) => !ctx.actor.permissions.includes(permission));
  if (beyond.length > 0)
    throw new ServiceError("FORBIDDEN", say`permissions: ${ctx.actor.name} does not have ${beyond.join(", ")}`, {
      field: "permissions",
      remedy: say`leave out the permissions you do not have yourself`,
    });
  const { token, shown } = newToken();
  const now = ctx.now();
  const wished = expiresInDays === null ? null : new Date(now.getTime() + expiresInDays * dayMilliseconds);
  return ctx.db.transaction(async (tx) => {
    const parent = ctx.actor.kind === "token" ? await lockedParent(tx, ctx.actor.id) : null;
    const [row] = await tx
      .insert(apiTokens)
      .values({
        projectId: ctx.projectId,
        ownerId: ctx.actor.userId ?? null,
        name,
        prefix: shown,
        hash: hashOf(ctx, token),
        permissions: [...new Set(permissions)],
        createdBy: ctx.actor.id,
        createdAt: now,
        parentId: parent?.id ?? null,
        expiresAt: earliest(wished, parent?.expiresAt ?? null),
      })
      .returning();
    if (!row) throw new ServiceError("INTERNAL", say`the token was not stored`, { remedy: say`try again` });
    await audit(tx, ctx, "token.create", row.id, {
      name,
      permissions,
      expiresAt: row.expiresAt?.toISOString() ?? null,
      parent: parent?.id ?? null,
    });
    return { token, summary: toTokenSummary(row) };
  });
});
