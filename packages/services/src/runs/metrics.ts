import { api, type MetricBucket, type MetricName, type MetricSeries, metricNames, metricOf } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, sql } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { verb } from "../verb.ts";

const { runMetricRollups } = schema;
const fan = 16; // steps of a bucket grow by this from level to level
const levels = 4;

interface Stored extends MetricBucket {
  name: MetricName;
}

interface RawBucket {
  name: MetricName;
  first: string | number;
  step: string | number;
  time: Date | string;
  tokens: number;
  min: number;
  max: number;
  sum: number;
  count: string | number;
}

// The run's own series in the catalogue's order, those of single adapters behind them.
const placeOf = (name: MetricName) => {
  const { series, adapter } = metricOf(name);
  return metricNames.indexOf(series) + (adapter === null ? 0 : metricNames.length);
};
const byCatalogue = (a: MetricName, b: MetricName) => placeOf(a) - placeOf(b) || (a < b ? -1 : 1);

/**
 * At most about `buckets` points a series. Reads the coarsest rollup that still has that many buckets and merges its
 * buckets in SQL, so a series of a million points costs a few thousand rows.
 */
export async function readMetrics(
  db: ServiceContext["db"],
  runId: string,
  options: { names?: MetricName[]; buckets: number; fromStep?: number },
): Promise<MetricSeries[]> {
  const { names } = options;
  if (names?.length === 0) return [];
  const fromStep = options.fromStep ?? 0;
  // The coarsest buckets tell the last step of any series from a few rows.
  const [range] = await db
    .select({ last: sql<number | null>`max(${runMetricRollups.lastStep})::int` })
    .from(runMetricRollups)
    .where(and(eq(runMetricRollups.runId, runId), eq(runMetricRollups.level, levels)));
  const span = (range?.last ?? 0) - fromStep + 1;
  const width = Math.max(1, Math.ceil(span / options.buckets));
  let level = 0;
  while (level < levels && fan ** (level + 1) <= width) level++;

  const named = names
    ? sql`and name in (${sql.join(
        names.map((name) => sql`${name}`),
        sql`, `,
      )})`
    : sql``;
  const base = fan ** level;
  const source =
    level === 0
      ? sql`select name, step as first, step, time, tokens, value as minimum, value as maximum, value as sum, 1 as count
            from run_metrics where run_id = ${runId} and step >= ${fromStep} ${named}`
      : sql`select name, bucket::bigint * ${base}::bigint as first, last_step as step, last_time as time,
              last_tokens as tokens, minimum, maximum, sum, count
            from run_metric_rollups where run_id = ${runId} and level = ${level}
              and bucket >= ${Math.floor(fromStep / base)} ${named}`;
  const { rows } = await db.execute<RawBucket & Record<string, unknown>>(sql`
    select name, min(first) as first, max(step) as step, max(time) as time, max(tokens) as tokens,
      min(minimum) as min, max(maximum) as max, sum(sum) as sum, sum(count) as count
    from (${source}) points group by name, (first - ${fromStep}::bigint) / ${width}::bigint order by name, first`);

  const series = new Map<MetricName, Stored[]>();
  for (const row of rows) {
    const count = Number(row.count);
    const list = series.get(row.name) ?? [];
    list.push({
      name: row.name,
      step: Number(row.step),
      time: new Date(row.time).getTime() / 1000, // seconds since 1970
      tokens: row.tokens,
      min: row.min,
      max: row.max,
      mean: row.sum / count,
      count,
    });
    series.set(row.name, list);
  }
  return (names ?? [...series.keys()].sort(byCatalogue))
    .filter((name) => series.has(name))
    .map((name) => ({ name, points: (series.get(name) ?? []).map(({ name: _, ...point }) => point) }));
}

export const metrics = verb(api.runs.metrics, (ctx, { runId, ...options }) => readMetrics(ctx.db, runId, options));
