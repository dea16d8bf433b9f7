import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, isNull } from "drizzle-orm";
import { audit, notFound, verb } from "../verb.ts";

const { apiTokens } = schema;

/** From the next request on the token opens nothing. Revoking twice is no error. */
export const revoke = verb(api.system.revokeToken, (ctx, { tokenId }) =>
  ctx.db.transaction(async (tx) => {
    const [known] = await tx.select({ id: apiTokens.id }).from(apiTokens).where(eq(apiTokens.id, tokenId));
    if (!known) throw notFound("token", tokenId);
    const changed = await tx
      .update(apiTokens)
      .set({ revokedAt: ctx.now() })
      .where(and(eq(apiTokens.id, tokenId), isNull(apiTokens.revokedAt)))
      .returning({ name: apiTokens.name });
    if (changed[0]) await audit(tx, ctx, "token.revoke", tokenId, { name: changed[0].name });
    return { revoked: true };
  }),
);
