import { type Actor, permissionsOf } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, isNull, lt, or } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { hashOf, tokenPattern } from "./secret.ts";

const { apiTokens, user } = schema;
// `last used` is a hint for people, not worth a write for every request.
const lastUsedGrainMilliseconds = 60_000;

export interface KnownToken {
  actor: Actor;
  /** The project that it opens; null: any that its owner may work in. */
  projectId: string | null;
  owner: { id: string; administrator: boolean } | null;
}

/** Who a token speaks for; null when it is unknown, revoked, expired or of a disabled account (the caller does not learn which). */
export async function authenticate(
  ctx: Pick<ServiceContext, "db" | "now" | "hashToken">,
  token: string,
): Promise<KnownToken | null> {
  if (!tokenPattern.test(token)) return null;
  const [found] = await ctx.db
    .select({ row: apiTokens, owner: user })
    .from(apiTokens)
    .leftJoin(user, eq(user.id, apiTokens.ownerId))
    .where(eq(apiTokens.hash, hashOf(ctx, token)));
  const now = ctx.now();
  if (!found || found.row.revokedAt || (found.row.expiresAt && found.row.expiresAt <= now)) return null;
  const { row, owner } = found;
  if (owner?.disabledAt) return null;
  const stale = new Date(now.getTime() - lastUsedGrainMilliseconds);
  if (!row.lastUsedAt || row.lastUsedAt < stale)
    await ctx.db
      .update(apiTokens)
      .set({ lastUsedAt: now })
      .where(and(eq(apiTokens.id, row.id), or(isNull(apiTokens.lastUsedAt), lt(apiTokens.lastUsedAt, stale))));
  // What every account may read, a token may, too; and who looks after the installation looks after every project.
  const implied = permissionsOf({ role: null, administrator: false });
  if (row.permissions.includes("system:admin")) implied.push("project:admin");
  const permissions = [...new Set([...implied, ...row.permissions])];
  return {
    actor: { kind: "token", id: row.id, name: row.name, permissions, ...(owner ? { userId: owner.id } : {}) },
    projectId: row.projectId,
    owner,
  };
}
