import type { Actor } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, isNull, lt, or } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { hashOf, tokenPattern } from "./secret.ts";

const { apiTokens } = schema;
// `last used` is a hint for people, not worth a write for every request.
const lastUsedGrainMilliseconds = 60_000;

/** Who a token speaks for; null when it is unknown, revoked or expired (the caller does not learn which). */
export async function authenticate(
  ctx: Pick<ServiceContext, "db" | "now" | "hashToken">,
  token: string,
): Promise<Actor | null> {
  if (!tokenPattern.test(token)) return null;
  const [row] = await ctx.db
    .select()
    .from(apiTokens)
    .where(eq(apiTokens.hash, hashOf(ctx, token)));
  const now = ctx.now();
  if (!row || row.revokedAt || (row.expiresAt && row.expiresAt <= now)) return null;
  const stale = new Date(now.getTime() - lastUsedGrainMilliseconds);
  if (!row.lastUsedAt || row.lastUsedAt < stale)
    await ctx.db
      .update(apiTokens)
      .set({ lastUsedAt: now })
      .where(and(eq(apiTokens.id, row.id), or(isNull(apiTokens.lastUsedAt), lt(apiTokens.lastUsedAt, stale))));
  return { kind: "token", id: row.id, name: row.name, permissions: row.permissions };
}
