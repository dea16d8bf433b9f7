import { api } from "@anneal/contracts";
import { channels, schema } from "@anneal/db";
import { acrossProjects } from "@anneal/db/across-projects";
import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import { audit, notFound, verb } from "../verb.ts";

const { apiTokens } = schema;

/** From the next request on the token opens nothing, nor do those that were made with it. Revoking twice is no error. */
export const revoke = verb(api.system.revokeToken, (ctx, { tokenId }) =>
  ctx.db.transaction(async (tx) => {
    const [known] = await tx
      .select({ id: apiTokens.id })
      .from(apiTokens)
      .where(eq(apiTokens.id, tokenId))
      .for("update");
    if (!known) throw notFound("token", tokenId);
    // Its line may reach into other projects, where a token of none has made some.
    const changed = await acrossProjects(tx, async (all) => {
      const { rows } = await all.execute<{ id: string }>(sql`
      with recursive line as (
        select id from api_tokens where id = ${tokenId}
        union select child.id from api_tokens child join line on child.parent_id = line.id
      ) select id from line`);
      const ids = rows.map(({ id }) => id);
      return all
        .update(apiTokens)
        .set({ revokedAt: ctx.now() })
        .where(and(inArray(apiTokens.id, ids), isNull(apiTokens.revokedAt)))
        .returning({ id: apiTokens.id, name: apiTokens.name });
    });
    await tx.execute(sql`select pg_notify(${channels.access}, ${tokenId})`);
    for (const { id, name } of changed)
      await audit(tx, ctx, "token.revoke", id, id === tokenId ? { name } : { name, with: tokenId });
    return { revoked: true };
  }),
);
