import { schema } from "@anneal/db";
import { and, isNull, lt } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { uploads } = schema;

/** Takes uploads that nobody committed in time out of the table; the caller removes their files. */
export async function takeExpiredUploads(
  ctx: Pick<ServiceContext, "db" | "now">,
): Promise<{ id: string; path: string }[]> {
  const gone = await ctx.db
    .delete(uploads)
    .where(and(lt(uploads.expiresAt, ctx.now()), isNull(uploads.committedAt)))
    .returning({ id: uploads.id, path: uploads.path, owned: uploads.owned });
  // A path that a person named is theirs, never ours to delete.
  return gone.filter(({ owned }) => owned).map(({ id, path }) => ({ id, path }));
}
