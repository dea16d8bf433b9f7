import type { MetricName, RunEventBody } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, between, eq, inArray } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

// A value lies once in the database: as a point of its series. The event that told it holds the step and a set of series.

const { runMetrics, runs } = schema;
type StoredBody = schema.StoredEventBody;
type StoredMetrics = Extract<StoredBody, { set: number }>;

/** The place of these series among the run's sets; a set that is new is added to them. */
export function placeOfSet(sets: MetricName[][], names: readonly MetricName[]): number {
  const known = sets.findIndex((set) => set.length === names.length && set.every((name, i) => name === names[i]));
  return known >= 0 ? known : sets.push([...names]) - 1;
}

const isStored = (body: StoredBody): body is StoredMetrics => body.type === "metrics" && "set" in body;

export const readMetricSets = async (db: ServiceContext["db"], runId: string): Promise<MetricName[][]> => {
  const [row] = await db.select({ sets: runs.metricSets }).from(runs).where(eq(runs.id, runId));
  return row?.sets ?? [];
};

/** Bodies as they were told: the values of metric events are read from the points. */
export async function withValues<E extends { body: StoredBody }>(
  db: ServiceContext["db"],
  runId: string,
  events: readonly E[],
): Promise<(Omit<E, "body"> & { body: RunEventBody })[]> {
  const metrics = events.map(({ body }) => body).filter(isStored);
  const sets = metrics.length > 0 ? await readMetricSets(db, runId) : [];
  const names = [...new Set(metrics.flatMap(({ set }) => sets[set] ?? []))];
  const steps = metrics.map(({ step }) => step);
  const points =
    names.length === 0
      ? []
      : await db
          .select({ name: runMetrics.name, step: runMetrics.step, value: runMetrics.value })
          .from(runMetrics)
          .where(
            and(
              eq(runMetrics.runId, runId),
              inArray(runMetrics.name, names),
              between(runMetrics.step, Math.min(...steps), Math.max(...steps)),
            ),
          );
  const byStep = new Map<number, Map<MetricName, number>>();
  for (const { name, step, value } of points) {
    const values = byStep.get(step) ?? new Map<MetricName, number>();
    byStep.set(step, values.set(name, value));
  }
  const told = ({ step, tokens, set }: StoredMetrics): RunEventBody => {
    const values = byStep.get(step);
    const named = (sets[set] ?? []).flatMap((name) => {
      const value = values?.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return { type: "metrics", step, tokens, values: Object.fromEntries(named) };
  };
  return events.map((event) => ({ ...event, body: isStored(event.body) ? told(event.body) : event.body }));
}
