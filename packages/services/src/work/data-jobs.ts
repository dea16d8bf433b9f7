import { api, type DataJob, ServiceError, say, type WorkKind, workCatalogue, workKinds } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { desc, eq, inArray } from "drizzle-orm";
import { audit, verb } from "../verb.ts";
import { cancelRequest } from "./requests.ts";

const { workRequests, workers } = schema;
const listed = workKinds.filter((kind: WorkKind) => workCatalogue[kind].listed);
const most = 100;

/** Long work under way and of the last hour, newest first. */
export const list = verb(api.jobs.list, async (ctx): Promise<DataJob[]> => {
  const rows = await ctx.db
    .select({ job: workRequests, workerName: workers.name })
    .from(workRequests)
    .leftJoin(workers, eq(workers.id, workRequests.workerId))
    .where(inArray(workRequests.kind, listed))
    .orderBy(desc(workRequests.id))
    .limit(most);
  return rows.map(({ job, workerName }) => ({
    id: job.id,
    kind: job.kind,
    title: job.title ?? job.kind,
    status: job.status,
    progress: job.progress,
    workerName,
    askedBy: job.actor.name,
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    finishedAt: job.finishedAt?.toISOString() ?? null,
    problem: job.problem,
  }));
});

/** Ends a job; whoever waits for it is told. One that has ended stays as it is. */
export const cancel = verb(api.jobs.cancel, async (ctx, { jobId }) => {
  const [row] = await ctx.db
    .select({ kind: workRequests.kind, title: workRequests.title })
    .from(workRequests)
    .where(eq(workRequests.id, jobId));
  if (!row || !listed.includes(row.kind))
    throw new ServiceError("NOT_FOUND", say`there is no job ${jobId}`, {
      field: "jobId",
      remedy: say`list the jobs and choose one`,
    });
  await ctx.db.transaction((tx) => audit(tx, ctx, "job.cancel", jobId, { kind: row.kind, title: row.title }));
  return { cancelled: await cancelRequest(ctx, jobId) };
});
