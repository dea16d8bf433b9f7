import type { MetricName } from "@anneal/contracts";
import type { Transaction } from "@anneal/db";
import { sql } from "drizzle-orm";

export interface MetricPoint {
  name: MetricName;
  step: number;
  time: Date;
  tokens: number;
  value: number;
}

/**
 * One statement for a whole batch: points go in through unnest, a point that is there already is left alone, and only the
 * points that are new raise the rollups; so a batch stored twice counts once in both tables.
 */
export async function storeMetrics(
  tx: Transaction,
  runId: string,
  attempt: number,
  points: readonly MetricPoint[],
): Promise<void> {
  if (points.length === 0) return;
  const column = <T>(pick: (point: MetricPoint) => T) => sql.param(points.map(pick));
  await tx.execute(sql`
    with added as (
      insert into run_metrics (run_id, name, step, time, tokens, value, attempt)
      select ${runId}::uuid, name, step, time, tokens, value, ${attempt}::int
      from unnest(${column((p) => p.name)}::text[], ${column((p) => p.step)}::int[],
        ${column((p) => p.time.toISOString())}::timestamptz[], ${column((p) => p.tokens)}::float8[],
        ${column((p) => p.value)}::float8[]) as point(name, step, time, tokens, value)
      on conflict do nothing
      returning name, step, time, tokens, value
    )
    insert into run_metric_rollups
      (run_id, name, level, bucket, count, minimum, maximum, sum, last_step, last_time, last_tokens)
    select ${runId}::uuid, name, level, step / width, count(*), min(value), max(value), sum(value),
      max(step), max(time), max(tokens)
    from added cross join (values (1::smallint, 16), (2::smallint, 256), (3::smallint, 4096), (4::smallint, 65536))
      as widths(level, width)
    group by name, level, step / width
    on conflict (run_id, name, level, bucket) do update set
      count = run_metric_rollups.count + excluded.count,
      minimum = least(run_metric_rollups.minimum, excluded.minimum),
      maximum = greatest(run_metric_rollups.maximum, excluded.maximum),
      sum = run_metric_rollups.sum + excluded.sum,
      last_step = greatest(run_metric_rollups.last_step, excluded.last_step),
      last_time = greatest(run_metric_rollups.last_time, excluded.last_time),
      last_tokens = greatest(run_metric_rollups.last_tokens, excluded.last_tokens)`);
}
