import type { RunDetail } from "@anneal/contracts";
import { sql } from "@anneal/db";
import { runs, type ServiceContext } from "@anneal/services";

const perStep = ["train/loss", "optim/learning_rate", "speed/tokens_per_second", "memory/rss_bytes"];

export interface RunFacts {
  steps: number;
  evaluateEvery: number;
}

/** What is wrong with a finished run's record: metrics missing or doubled, gaps in events, files that are not what was told. */
export async function faultsOf(ctx: ServiceContext, run: RunDetail, facts: RunFacts): Promise<string[]> {
  return [
    ...(await metricFaults(ctx, run.id, facts)),
    ...(await eventFaults(ctx, run.id, facts)),
    ...(await fileFaults(ctx, run)),
  ];
}

async function fileFaults(ctx: ServiceContext, run: RunDetail): Promise<string[]> {
  const { store } = ctx.files;
  const faults: string[] = [];
  for (const { kind, name, digest, bytes } of run.artifacts)
    if ((await store.stat(digest))?.bytes !== bytes || (await store.damaged(digest)))
      faults.push(`${kind} ${name} is not what was told: ${digest}`);
  return faults;
}

async function metricFaults(ctx: ServiceContext, runId: string, { steps, evaluateEvery }: RunFacts): Promise<string[]> {
  const { rows } = await ctx.db.execute<{
    name: string;
    points: string;
    first: number;
    last: number;
    rolled: string;
  }>(sql`
    select name, count(*) as points, min(step) as first, max(step) as last,
      (select sum(count) from run_metric_rollups r where r.run_id = ${runId} and r.name = m.name and level = 1) as rolled
    from run_metrics m where run_id = ${runId} group by name`);
  const faults: string[] = [];
  if (rows.length < 20) faults.push(`only ${rows.length} series`);
  for (const { name, points, first, last, rolled } of rows) {
    const evaluation = name.startsWith("eval/");
    const expected = evaluation ? Math.floor(steps / evaluateEvery) : steps;
    if (Number(points) !== expected) faults.push(`${name} has ${points} points, not ${expected}`);
    if (Number(rolled) !== expected) faults.push(`the buckets of ${name} count ${rolled} points, not ${expected}`);
    if (last !== steps || first !== (evaluation ? evaluateEvery : 1))
      faults.push(`${name} reaches from ${first} to ${last}`);
  }
  for (const name of perStep) if (!rows.some((row) => row.name === name)) faults.push(`${name} is missing`);
  return faults;
}

// A step told twice shows as two events of the same step, even where the table of points took one only.
async function eventFaults(ctx: ServiceContext, runId: string, { steps }: RunFacts): Promise<string[]> {
  const faults: string[] = [];
  const told = new Map<number, number>();
  const once = new Map<string, number>();
  let expected = 0;
  for (let after = -1; ; ) {
    const page = await runs.events(ctx, { runId, afterSeq: after, limit: 1000 });
    for (const { seq, body } of page) {
      if (seq !== expected++) faults.push(`event ${expected - 1} is missing before ${seq}`);
      if (body.type === "metrics" && "train/loss" in body.values) told.set(body.step, (told.get(body.step) ?? 0) + 1);
      const key =
        body.type === "evaluation"
          ? `evaluation ${body.which} ${body.step}`
          : body.type === "samples"
            ? `samples ${body.step}`
            : body.type === "trained" || (body.type === "status" && body.status === "succeeded")
              ? body.type
              : null;
      if (key) once.set(key, (once.get(key) ?? 0) + 1);
    }
    const last = page.at(-1);
    if (!last) break;
    after = last.seq;
  }
  for (let step = 1; step <= steps; step++)
    if (told.get(step) !== 1) faults.push(`the metrics of step ${step} were told ${told.get(step) ?? 0} times`);
  for (const [key, times] of once) if (times !== 1) faults.push(`${key} was told ${times} times`);
  return faults;
}
