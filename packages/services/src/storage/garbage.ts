import { collectGarbage } from "@anneal/store";
import { sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const graceMilliseconds = 24 * 3_600_000;

/** Which of these digests a row names, in any table that names objects. */
export async function namedDigests(
  ctx: Pick<ServiceContext, "db">,
  digests: readonly string[],
): Promise<ReadonlySet<string>> {
  const wanted = sql`${sql.param([...digests])}::text[]`;
  const answer = await ctx.db.execute<{ digest: string }>(sql`
    select digest from artifacts where digest = any(${wanted})
    union select digest from teacher_files where digest = any(${wanted})
    union select file.value->>'digest' from checkpoints, jsonb_each(files) file
      where kept and file.value->>'digest' = any(${wanted})
    union select file.value->>'digest' from dataset_versions, jsonb_each(files) file
      where file.value->>'digest' = any(${wanted})`);
  return new Set(answer.rows.map(({ digest }) => digest));
}

/** Deletes what no row has named for a day. */
export async function clearStore(ctx: Pick<ServiceContext, "db" | "files" | "now">): Promise<{ deleted: number }> {
  return collectGarbage(ctx.files.store, {
    referenced: (digests) => namedDigests(ctx, digests),
    graceMilliseconds,
    now: ctx.now(),
  });
}
