import type { ResolvedInputs, RunSpec } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, sql } from "drizzle-orm";
import type { WorkContext } from "../../context.ts";
import { enginePlan } from "./engine-plan.ts";
import { type Probe, probe } from "./probe.ts";

const { runs, runMetrics } = schema;

/** Seconds of one optimizer step and of what surrounds it, with the source they come from. */
export interface MeasuredSpeed {
  secondsPerStep: number;
  fastestSecondsPerStep: number;
  slowestSecondsPerStep: number;
  secondsPerNewToken: number | null; // null: not measured
  loadSeconds: number;
  source: "run" | "probe";
  runName: string | null;
  measuredAt: string;
  busy: boolean;
}

interface Observed {
  tokensPerSecond: number;
  slowest: number; // the tenth percentile of the last steps
  fastest: number; // the ninetieth
  runName: string;
  measuredAt: string;
}

/** Speed over the last steps of the newest run on the same model by the same method: the best forecast there is. */
async function observed(ctx: Pick<WorkContext, "db">, spec: RunSpec): Promise<Observed | null> {
  const [run] = await ctx.db
    .select({ id: runs.id, name: runs.name, lastStep: runs.lastStep, createdAt: runs.createdAt })
    .from(runs)
    .where(
      and(
        sql`${runs.spec}->>'base' = ${spec.base}`,
        sql`${runs.spec}->>'precision' = ${spec.precision}`,
        sql`${runs.spec}->'method'->>'kind' = ${spec.method.kind}`,
        sql`coalesce(${runs.spec}->>'baseStorage', 'dense') = ${spec.baseStorage}`,
        sql`jsonb_array_length(coalesce(${runs.spec}->'adapters', '[]'::jsonb)) = ${spec.adapters.length}`,
        sql`coalesce(${runs.spec}->'objective'->>'kind', 'sft') = ${spec.objective.kind}`,
        // Specs of earlier versions hold a switch.
        sql`case ${runs.spec}->>'gradientCheckpointing' when 'true' then 'full' when 'false' then 'off' else ${runs.spec}->>'gradientCheckpointing' end = ${spec.gradientCheckpointing}`,
        sql`${runs.spec}->'threads' = ${JSON.stringify(spec.threads)}::jsonb`,
        sql`${runs.lastStep} >= 5`,
      ),
    )
    .orderBy(desc(runs.id))
    .limit(1);
  if (!run) return null;
  const at = (fraction: number) =>
    sql<number | null>`percentile_cont(${fraction}) within group (order by ${runMetrics.value})`;
  const [speed] = await ctx.db
    .select({ mean: sql<number | null>`avg(${runMetrics.value})`, slowest: at(0.1), fastest: at(0.9) })
    .from(runMetrics)
    .where(
      and(
        eq(runMetrics.runId, run.id),
        eq(runMetrics.name, "speed/tokens_per_second"),
        sql`${runMetrics.step} > ${Math.max(1, run.lastStep - 50)}`,
      ),
    );
  if (!speed?.mean || speed.mean <= 0) return null;
  return {
    tokensPerSecond: Number(speed.mean),
    slowest: Number(speed.slowest ?? speed.mean),
    fastest: Number(speed.fastest ?? speed.mean),
    runName: run.name,
    measuredAt: run.createdAt.toISOString(),
  };
}

/**
 * Speed of training and of answers: steps from an earlier run of the kind where there is one, everything else from a probe on the
 * model. Null where neither was taken.
 */
export async function measuredSpeed(
  ctx: Pick<WorkContext, "engine" | "paths" | "log" | "db">,
  spec: RunSpec,
  inputs: ResolvedInputs,
  o: { tokensPerStep: number; meanRowTokens: number; waitMilliseconds: number },
): Promise<MeasuredSpeed | null> {
  const sequenceTokens = Math.max(8, Math.round(o.meanRowTokens));
  const run = await observed(ctx, spec);
  // A run tells the speed of its steps; who waits for the probe waits for the answers' share alone, and not at all.
  const probed = await probe(ctx, spec, inputs, { sequenceTokens, waitMilliseconds: run ? 0 : o.waitMilliseconds });
  const rest = { secondsPerNewToken: probed?.secondsPerNewToken ?? null, loadSeconds: probed?.loadSeconds ?? 0 };
  if (run)
    return {
      ...rest,
      secondsPerStep: o.tokensPerStep / run.tokensPerSecond,
      fastestSecondsPerStep: o.tokensPerStep / Math.max(run.fastest, run.tokensPerSecond),
      slowestSecondsPerStep: o.tokensPerStep / Math.max(1e-9, Math.min(run.slowest, run.tokensPerSecond)),
      source: "run",
      runName: run.runName,
      measuredAt: run.measuredAt,
      busy: false,
    };
  return probed && { ...rest, ...fromProbe(ctx, spec, inputs, probed, { ...o, sequenceTokens }) };
}

function fromProbe(
  ctx: Pick<WorkContext, "engine">,
  spec: RunSpec,
  inputs: ResolvedInputs,
  probed: Probe,
  o: { tokensPerStep: number; sequenceTokens: number },
) {
  // Attention's share grows with the rows as they are, not with the longest that may come.
  const typical = { ...spec, maxSequenceTokens: Math.min(spec.maxSequenceTokens, o.sequenceTokens) };
  const { flopsPerMicroBatch } = enginePlan(ctx, typical, inputs);
  const flopsPerStep = (o.tokensPerStep / spec.microBatchTokens) * flopsPerMicroBatch;
  const secondsPerStep = flopsPerStep / probed.flopsPerSecond;
  return {
    secondsPerStep,
    fastestSecondsPerStep: secondsPerStep,
    slowestSecondsPerStep: flopsPerStep / probed.slowestFlopsPerSecond,
    source: "probe" as const,
    runName: null,
    measuredAt: probed.measuredAt,
    busy: probed.busy,
  };
}
