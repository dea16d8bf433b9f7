import { api, ServiceError, say } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { audit, verb } from "../verb.ts";
import { toTokenSummary } from "./rows.ts";
import { hashOf, newToken } from "./secret.ts";

const dayMilliseconds = 86_400_000;

/** Makes an API token and shows it this once. Nobody can hand out a permission that is not theirs. */
export const create = verb(api.system.createToken, async (ctx, { name, permissions, expiresInDays }) => {
  const beyond = permissions.filter((permission) => !ctx.actor.permissions.includes(permission));
  if (beyond.length > 0)
    throw new ServiceError("FORBIDDEN", say`permissions: ${ctx.actor.name} does not have ${beyond.join(", ")}`, {
      field: "permissions",
      remedy: say`leave out the permissions you do not have yourself`,
    });
  const { token, shown } = newToken();
  const now = ctx.now();
  return ctx.db.transaction(async (tx) => {
    const [row] = await tx
      .insert(schema.apiTokens)
      .values({
        name,
        prefix: shown,
        hash: hashOf(ctx, token),
        permissions: [...new Set(permissions)],
        createdBy: ctx.actor.id,
        createdAt: now,
        expiresAt: expiresInDays === null ? null : new Date(now.getTime() + expiresInDays * dayMilliseconds),
      })
      .returning();
    if (!row) throw new ServiceError("INTERNAL", say`the token was not stored`, { remedy: say`try again` });
    await audit(tx, ctx, "token.create", row.id, { name, permissions, expiresInDays });
    return { token, summary: toTokenSummary(row) };
  });
});
