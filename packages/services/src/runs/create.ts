import { api, plainJob, type RunCreated, RunStatus } from "@anneal/contracts";
import { schema } from "@anneal/db";
import type { ServiceContext } from "../context.ts";
import { answers, jobOfKey, idempotencyKey as keyOf } from "../jobs/index.ts";
import { verb } from "../verb.ts";
import { createRunIn, prepareRun } from "./create-run-in.ts";
import { runDetail } from "./get.ts";

export const create = verb(
  api.runs.create,
  async (ctx: ServiceContext, { spec, idempotencyKey, job }): Promise<RunCreated> => {
    const key = keyOf(ctx, "runs.create", idempotencyKey, spec);
    // A repetition is answered before anything is weighed again: the machine may be fuller by now.
    const before = key ? await jobOfKey(ctx.db, schema.runs, key) : null;
    if (answers(before)) return { ...(await runDetail(ctx, before.id)), replaces: null };
    const prepared = await prepareRun(ctx, spec);
    const { id, replaces } = await ctx.db.transaction((tx) =>
      createRunIn(tx, ctx, prepared, { key, options: job ?? plainJob }),
    );
    return {
      ...(await runDetail(ctx, id)),
      replaces: replaces && { runId: replaces.id, status: RunStatus.parse(replaces.status) },
    };
  },
);
