import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ResolvedInputs, type RunSpec, targetsOf, trainingSettings } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import type { ServiceContext } from "../../context.ts";
import { identityOf } from "../../models/facts.ts";
import { enginePlan } from "./engine-plan.ts";

const { runs, runMetrics } = schema;
const probeTokens = 512;
const Measured = z.object({ flopsPerSecond: z.number().positive() });
type Measured = z.infer<typeof Measured>;
// One probe a question, and one at a time: they would disturb each other.
const running = new Map<string, { result: Promise<Measured | null>; since: number }>();
let queue: Promise<unknown> = Promise.resolve();

/** Mean speed over the last steps of the newest run on the same model by the same method: the best forecast there is. */
async function observed(ctx: Pick<ServiceContext, "db">, spec: RunSpec): Promise<number | null> {
  const [run] = await ctx.db
    .select({ id: runs.id, lastStep: runs.lastStep })
    .from(runs)
    .where(
      and(
        sql`${runs.spec}->>'base' = ${spec.base}`,
        sql`${runs.spec}->>'precision' = ${spec.precision}`,
        sql`${runs.spec}->'method'->>'kind' = ${spec.method.kind}`,
        sql`coalesce(${runs.spec}->>'baseStorage', 'dense') = ${spec.baseStorage}`,
        sql`jsonb_array_length(coalesce(${runs.spec}->'adapters', '[]'::jsonb)) = ${spec.adapters.length}`,
        sql`coalesce(${runs.spec}->'objective'->>'kind', 'sft') = ${spec.objective.kind}`,
        sql`(${runs.spec}->>'gradientCheckpointing')::boolean = ${spec.gradientCheckpointing}`,
        sql`${runs.spec}->'threads' = ${JSON.stringify(spec.threads)}::jsonb`,
        sql`${runs.lastStep} >= 5`,
      ),
    )
    .orderBy(desc(runs.id))
    .limit(1);
  if (!run) return null;
  const [speed] = await ctx.db
    .select({ mean: sql<number | null>`avg(${runMetrics.value})` })
    .from(runMetrics)
    .where(
      and(
        eq(runMetrics.runId, run.id),
        eq(runMetrics.name, "speed/tokens_per_second"),
        sql`${runMetrics.step} > ${Math.max(1, run.lastStep - 50)}`,
      ),
    );
  return speed?.mean && speed.mean > 0 ? Number(speed.mean) : null;
}

const patience = <T>(promise: Promise<T>, milliseconds: number): Promise<T | null> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.max(0, milliseconds));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

function probeSpec(spec: RunSpec, sequenceTokens: number): RunSpec {
  const tokens = Math.max(16, Math.min(probeTokens, spec.microBatchTokens));
  return {
    ...spec,
    microBatchTokens: tokens,
    maxSequenceTokens: Math.min(tokens, spec.maxSequenceTokens, sequenceTokens),
  };
}

async function probe(
  ctx: Pick<ServiceContext, "engine" | "paths" | "log" | "db">,
  spec: RunSpec,
  inputs: ResolvedInputs,
  o: { sequenceTokens: number; waitMilliseconds: number },
): Promise<Measured | null> {
  const { method, precision, baseStorage, objective, optimizer, gradientCheckpointing, threads } = spec;
  const targets = method.kind === "lora" ? targetsOf(method.targets, inputs.linearNames).length : 0;
  const how = [method.kind, targets, precision, baseStorage, objective.kind, optimizer.kind, spec.adapters.length];
  const { isa } = ctx.engine.engineInfo();
  const question = JSON.stringify([await identityOf(inputs.base), how, gradientCheckpointing, threads, isa]);
  const key = createHash("sha256").update(question).digest("hex");
  const folder = join(ctx.paths.home, "probes");
  const path = join(folder, `${key}.json`);
  const known = await readFile(path, "utf8").then(
    (text) => Measured.safeParse(JSON.parse(text)).data ?? null,
    () => null, // not measured yet
  );
  if (known) return known;
  const { probeSpeed } = ctx.engine;
  if (!probeSpeed) return null;
  const [busy] = await ctx.db
    .select({ id: runs.id })
    .from(runs)
    .where(inArray(runs.status, ["running", "pausing", "cancelling"]))
    .limit(1);
  if (busy) return null; // it would measure the other run's leftovers, and take from it
  // Patience is counted from the probe's start: the first question waits, those after every change of a form do not.
  const there = running.get(key);
  if (there) return patience(there.result, o.waitMilliseconds - (performance.now() - there.since));
  const work = async (): Promise<Measured | null> => {
    try {
      const small = probeSpec(spec, o.sequenceTokens);
      const { flopsPerMicroBatch } = enginePlan(ctx, small, inputs);
      const { secondsPerStep } = await probeSpeed(trainingSettings(small, inputs), small.maxSequenceTokens);
      const measured = { flopsPerSecond: flopsPerMicroBatch / secondsPerStep };
      await mkdir(folder, { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify(measured));
      await rename(`${path}.new`, path);
      return measured;
    } catch (error) {
      ctx.log.warn({ error: error instanceof Error ? error.message : String(error) }, "the speed probe failed");
      return null;
    } finally {
      running.delete(key);
    }
  };
  const result = queue.then(work);
  queue = result;
  running.set(key, { result, since: performance.now() });
  return patience(result, o.waitMilliseconds);
}

/**
 * Seconds of one optimizer step, measured: from an earlier run of the kind, else from a probe on the real model. A probe goes
 * on when `waitMilliseconds` are over; the next question finds its answer.
 */
export async function secondsPerStep(
  ctx: Pick<ServiceContext, "engine" | "paths" | "log" | "db">,
  spec: RunSpec,
  inputs: ResolvedInputs,
  o: { tokensPerStep: number; meanRowTokens: number; waitMilliseconds: number },
): Promise<number | null> {
  const speed = await observed(ctx, spec);
  if (speed) return o.tokensPerStep / speed;
  const sequenceTokens = Math.max(8, Math.round(o.meanRowTokens));
  const measured = await probe(ctx, spec, inputs, { sequenceTokens, waitMilliseconds: o.waitMilliseconds });
  if (!measured) return null;
  // Attention's share grows with the rows as they are, not with the longest that may come.
  const typical = { ...spec, maxSequenceTokens: Math.min(spec.maxSequenceTokens, sequenceTokens) };
  const { flopsPerMicroBatch } = enginePlan(ctx, typical, inputs);
  return (o.tokensPerStep / spec.microBatchTokens) * (flopsPerMicroBatch / measured.flopsPerSecond);
}
