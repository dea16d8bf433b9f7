import { type JournalLine, type MetricName, type RunEventBody, ServiceError, say } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { and, eq, inArray, ne, sql } from "drizzle-orm";
import type { ServiceContext } from "../../context.ts";
import { appendEvents, type NewEvent } from "../append-events.ts";
import { placeOfSet } from "../metric-events.ts";
import { type Claim, lockOwned } from "./kind.ts";
import { type MetricPoint, storeMetrics } from "./store-metrics.ts";

const { runs, attempts, checkpoints, samples, artifacts } = schema;
type Body<T extends RunEventBody["type"]> = Extract<RunEventBody, { type: T }>;

/** What `keepFiles` put into the store for lines, by their numbers. Null: a checkpoint that was cleared away before. */
export type KeptFiles = ReadonlyMap<number, schema.StoredFiles | null>;

async function storeCheckpoint(
  tx: Transaction,
  claim: Claim,
  { time, body, files }: { time: Date; body: Body<"checkpoint">; files: schema.StoredFiles | null | undefined },
): Promise<void> {
  const { step, digest, bytes, path: folder, evaluationLoss, exactMatch, isBest } = body;
  const facts = { attempt: claim.attempt, digest, bytes, folder, evaluationLoss, exactMatch, isBest };
  const values = { ...facts, files: files ?? null, kept: files !== null };
  await tx
    .insert(checkpoints)
    .values({ id: newId(), runId: claim.id, step, createdAt: time, ...values })
    .onConflictDoUpdate({ target: [checkpoints.runId, checkpoints.step], set: values });
  if (isBest)
    await tx
      .update(checkpoints)
      .set({ isBest: false })
      .where(and(eq(checkpoints.runId, claim.id), ne(checkpoints.step, step)));
  if (body.deleted.length > 0)
    await tx
      .update(checkpoints)
      .set({ kept: false })
      .where(and(eq(checkpoints.runId, claim.id), inArray(checkpoints.step, body.deleted)));
}

async function storeBody(
  tx: Transaction,
  claim: Claim,
  line: { time: Date; body: RunEventBody; files: schema.StoredFiles | null | undefined },
): Promise<void> {
  const { id: runId } = claim;
  const { time, body, files } = line;
  if (body.type === "checkpoint") await storeCheckpoint(tx, claim, { time, body, files });
  else if (body.type === "evaluation") {
    const { which, result } = body;
    if (which === "before") await tx.update(runs).set({ evaluationBefore: result }).where(eq(runs.id, runId));
    if (which === "after") await tx.update(runs).set({ evaluationAfter: result }).where(eq(runs.id, runId));
  } else if (body.type === "samples" && body.samples.length > 0)
    await tx
      .insert(samples)
      .values(
        body.samples.map((sample, position) => ({ runId, step: body.step, position, createdAt: time, ...sample })),
      )
      .onConflictDoNothing();
  else if (body.type === "artifact") {
    const { kind, name, digest, bytes, path: file, ggufType, checkpointStep, quantisation = null } = body;
    const [checkpoint] =
      checkpointStep === null
        ? []
        : await tx
            .select({ id: checkpoints.id })
            .from(checkpoints)
            .where(and(eq(checkpoints.runId, runId), eq(checkpoints.step, checkpointStep)));
    await tx
      .insert(artifacts)
      .values({
        runId,
        kind,
        name,
        digest,
        bytes,
        file,
        ggufType,
        quantisation,
        checkpointId: checkpoint?.id ?? null,
        createdAt: time,
      })
      .onConflictDoUpdate({
        target: [artifacts.runId, artifacts.kind, artifacts.name],
        set: { digest, bytes, file, ggufType, quantisation, stored: true },
      });
  } else if (body.type === "attempt")
    await tx
      .update(attempts)
      .set({ resumedFromStep: body.resumedFromStep })
      .where(and(eq(attempts.runId, runId), eq(attempts.attempt, body.attempt)));
}

// What counts as getting further: a run that only starts, logs and breaks is stuck.
const furthers = (body: RunEventBody) =>
  ["metrics", "evaluation", "checkpoint", "artifact"].includes(body.type) ||
  (body.type === "stage" && body.state === "finished");

/**
 * Stores journal lines exactly once: numbers up to the run's cursor are skipped, the rest must follow without a gap, and the
 * cursor moves in the same transaction. Refused with STALE_ATTEMPT when a newer attempt holds the run. Returns the cursor.
 */
export async function storeJournal(
  ctx: Pick<ServiceContext, "db">,
  claim: Claim,
  lines: readonly JournalLine[],
  kept: KeptFiles = new Map(),
): Promise<number> {
  return ctx.db.transaction(async (tx) => {
    const row = await lockOwned(tx, claim);
    const fresh = lines.filter((line) => line.number > row.journalNumber);
    const [first] = fresh;
    const last = fresh.at(-1);
    if (!first || !last) return row.journalNumber;
    if (claim.fenced && first.number !== row.journalNumber + 1)
      throw new ServiceError("INTERNAL", say`journal line ${row.journalNumber + 1} is missing before ${first.number}`);

    const points: MetricPoint[] = [];
    const events: NewEvent[] = [];
    const sets = structuredClone(row.metricSets);
    const changes: Partial<typeof runs.$inferInsert> = { journalNumber: last.number };
    for (const { number, body, time } of fresh) {
      const at = new Date(time);
      if (body.type === "metrics") {
        const { step, tokens } = body;
        const values = (Object.entries(body.values) as [MetricName, number][]).filter(([, v]) => Number.isFinite(v));
        for (const [name, value] of values) points.push({ name, step, time: at, tokens, value });
        const names = values.map(([name]) => name);
        events.push({ time: at, body: { type: "metrics", step, tokens, set: placeOfSet(sets, names) } });
        changes.lastStep = Math.max(row.lastStep, changes.lastStep ?? 0, step);
        changes.lastLoss = body.values["train/loss"] ?? changes.lastLoss ?? row.lastLoss;
        continue;
      }
      events.push({ time: at, body });
      if (body.type === "progress") changes.progress = body.progress;
      else if (body.type === "stage" && body.state === "started") changes.stage = body.stage;
      else if (body.type === "trained") changes.finalDigest = body.digest;
      else await storeBody(tx, claim, { time: at, body, files: kept.get(number) });
    }
    if (sets.length > row.metricSets.length) changes.metricSets = sets;
    await storeMetrics(tx, claim.id, claim.attempt, points);
    await tx.update(runs).set(changes).where(eq(runs.id, claim.id));
    if (fresh.some(({ body }) => furthers(body)))
      await tx
        .update(attempts)
        .set({ progressed: true })
        .where(and(eq(attempts.runId, claim.id), eq(attempts.attempt, claim.attempt), sql`not ${attempts.progressed}`));
    await appendEvents(tx, claim.id, claim.attempt, events);
    return last.number;
  });
}
