import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { type ResolvedInputs, type RunSpec, targetsOf, trainingSettings } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { inArray } from "drizzle-orm";
import { z } from "zod";
import type { WorkContext } from "../../context.ts";
import { identityOf } from "../../models/facts.ts";
import { enginePlan } from "./engine-plan.ts";

const { runs } = schema;
const probeTokens = 512;

/** A step of a micro-batch on the model, timed. */
export const Probe = z.object({
  flopsPerSecond: z.number().positive(),
  slowestFlopsPerSecond: z.number().positive(),
  secondsPerNewToken: z.number().nonnegative().nullable(),
  loadSeconds: z.number().nonnegative(),
  measuredAt: z.iso.datetime(),
  busy: z.boolean(), // other programs took processor time meanwhile
});
export type Probe = z.infer<typeof Probe>;

const hour = 3600_000;
const maximumAge = 7 * 24 * hour;
const busyRetry = 60_000;

/** Whether a probe should be taken anew: it is old, or the machine was busy then and may be free now. */
export function isStale(probe: Probe, now: number, machineBusy: boolean): boolean {
  const age = now - Date.parse(probe.measuredAt);
  if (age < 0 || age > maximumAge) return true;
  return probe.busy && age > busyRetry && !machineBusy;
}

/** More than a quarter of the processors busy over the last minute. */
const machineIsBusy = () => (loadavg()[0] ?? 0) > availableParallelism() / 4;

// One probe a question, and one at a time: they would disturb each other.
const running = new Map<string, { result: Promise<Probe | null>; since: number }>();
let queue: Promise<unknown> = Promise.resolve();

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

async function keyOf(ctx: Pick<WorkContext, "engine">, spec: RunSpec, inputs: ResolvedInputs): Promise<string> {
  const { method, precision, baseStorage, objective, optimizer, gradientCheckpointing, threads } = spec;
  const targets = method.kind === "lora" ? targetsOf(method.targets, inputs.linearNames).length : 0;
  const how = [method.kind, targets, precision, baseStorage, objective.kind, optimizer.kind, spec.adapters.length];
  const { isa } = ctx.engine.engineInfo();
  const question = JSON.stringify([await identityOf(inputs.base), how, gradientCheckpointing, threads, isa]);
  return createHash("sha256").update(question).digest("hex");
}

type ProbeContext = Pick<WorkContext, "engine" | "paths" | "log" | "db">;

/**
 * What was measured of the model by this method, if need be now. A stale measurement is answered until a new one is there; a probe
 * goes on when `waitMilliseconds` are over, and the next question finds its answer.
 */
export async function probe(
  ctx: ProbeContext,
  spec: RunSpec,
  inputs: ResolvedInputs,
  o: { sequenceTokens: number; waitMilliseconds: number },
): Promise<Probe | null> {
  const key = await keyOf(ctx, spec, inputs);
  const folder = join(ctx.paths.home, "probes");
  const path = join(folder, `${key}.json`);
  const known = await readFile(path, "utf8").then(
    (text) => Probe.safeParse(JSON.parse(text)).data ?? null,
    () => null, // not measured yet
  );
  if (known && !isStale(known, Date.now(), machineIsBusy())) return known;
  const { probeSpeed } = ctx.engine;
  if (!probeSpeed) return known;
  const [training] = await ctx.db
    .select({ id: runs.id })
    .from(runs)
    .where(inArray(runs.status, ["running", "pausing", "cancelling"]))
    .limit(1);
  if (training) return known; // it would measure the other run's leftovers, and take from it
  // Patience is counted from the probe's start: the first question waits, those after every change of a form do not.
  const there = running.get(key);
  if (there) return known ?? patience(there.result, o.waitMilliseconds - (performance.now() - there.since));
  const work = async (): Promise<Probe | null> => {
    try {
      const busy = machineIsBusy();
      const small = probeSpec(spec, o.sequenceTokens);
      const { flopsPerMicroBatch } = enginePlan(ctx, small, inputs);
      const timed = await probeSpeed(trainingSettings(small, inputs), small.maxSequenceTokens);
      const measured: Probe = {
        flopsPerSecond: flopsPerMicroBatch / timed.secondsPerStep,
        slowestFlopsPerSecond: flopsPerMicroBatch / timed.slowestSecondsPerStep,
        secondsPerNewToken: timed.secondsPerNewToken,
        loadSeconds: timed.loadSeconds,
        measuredAt: new Date().toISOString(),
        busy,
      };
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
  return known ?? patience(result, o.waitMilliseconds);
}
