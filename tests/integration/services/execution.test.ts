import { type JournalLine, type RunEvent, type RunEventBody, RunSpec, type RunSummary } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { homeId, runs } from "@anneal/services";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { tinyRows } from "../../support/model-files/tiny-model.ts";
import { makeDataset, openWorld, problemOf, type World } from "./world.ts";

const { claimRun, renewLease, settleRun, storeJournal, requeueRuns } = runs.execution;
let world: World;
let dataset = "";
let runId = "";
beforeAll(async () => {
  world = await openWorld();
  dataset = await makeDataset(world.ctx, "colours", tinyRows(20));
});
afterAll(() => world.close());
beforeEach(async () => {
  const spec = RunSpec.parse({ base: world.model, dataset, maxSequenceTokens: 64, microBatchTokens: 256, threads: 1 });
  runId = (await runs.create(world.ctx, { spec })).id;
});

const claimAs = async (workerName: string, fenced = true) => {
  const worker = {
    workerId: crypto.randomUUID(),
    workerName,
    store: homeId(world.home),
    leaseSeconds: 60,
    retry: { attempts: 3, waitSeconds: 0 },
    fenced,
  };
  return claimRun(world.ctx, runId, worker);
};
const claimed = async (workerName: string, fenced = true) => {
  const taken = await claimAs(workerName, fenced);
  if (!taken) throw new Error("the run could not be claimed");
  return taken.claim;
};
const endLease = () =>
  world.db
    .update(schema.runs)
    .set({ leaseExpiresAt: sql`now() - interval '1 second'` })
    .where(eq(schema.runs.id, runId));

const metricsAt = (step: number): RunEventBody => ({
  type: "metrics",
  step,
  tokens: step * 100,
  values: { "train/loss": 10 - step / 1000, "optim/grad_norm": step % 100 === 57 ? 99 : 1 },
});
const journal = (from: number, to: number, body: (n: number) => RunEventBody): JournalLine[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    number: from + i,
    time: new Date(1_700_000_000_000 + (from + i) * 1000).toISOString(),
    body: body(from + i),
  }));
const points = async () =>
  (await runs.metrics(world.ctx, { runId, names: ["train/loss"], buckets: 5000 }))[0]?.points ?? [];

test("one worker holds a run; a lease that is over lets the next one in and shuts the first one out", async () => {
  const first = await claimed("a");
  expect(await claimAs("b")).toBeNull();
  await storeJournal(world.ctx, first, journal(1, 3, metricsAt));
  await endLease();
  const second = await claimed("b");
  expect(second.attempt).toBe(first.attempt + 1);
  for (const write of [
    () => storeJournal(world.ctx, first, journal(4, 4, metricsAt)),
    () => renewLease(world.ctx, first, 60),
    () => settleRun(world.ctx, first, { end: "succeeded" }),
  ])
    expect(await problemOf(write())).toMatchObject({ code: "STALE_ATTEMPT" });
  expect((await points()).map(({ step }) => step)).toEqual([1, 2, 3]);
  await storeJournal(world.ctx, second, journal(4, 5, metricsAt));
  expect(await settleRun(world.ctx, second, { end: "succeeded" })).toBe("succeeded");
  const detail = await runs.get(world.ctx, { runId });
  expect(detail.attempts.map(({ outcome }) => outcome)).toEqual(["lost", "succeeded"]);
  const lasted = detail.attempts.map((a) => (Date.parse(a.endedAt ?? "") - Date.parse(a.startedAt)) / 1000);
  expect(detail.workedSeconds).toBeCloseTo(lasted.reduce((sum, seconds) => sum + seconds));
  expect(detail.workingSince).toBeNull();
});

test("negative control: without the fence a stale attempt writes", async () => {
  const first = await claimed("a", false);
  await endLease();
  await claimed("b", false);
  await storeJournal(world.ctx, first, journal(1, 1, metricsAt));
  expect(await settleRun(world.ctx, first, { end: "succeeded" })).toBe("succeeded");
});

test("a journal told twice, overlapping or at once is stored once; a gap is refused", async () => {
  const claim = await claimed("a");
  const lines = journal(1, 400, metricsAt);
  await storeJournal(world.ctx, claim, lines.slice(0, 250));
  await Promise.all([
    storeJournal(world.ctx, claim, lines.slice(200)),
    storeJournal(world.ctx, claim, lines.slice(100)),
    storeJournal(world.ctx, claim, lines),
  ]);
  expect((await points()).map(({ step }) => step)).toEqual(lines.map((_, i) => i + 1));
  const events = await runs.events(world.ctx, { runId, limit: 1000, types: ["metrics"] });
  expect(events).toHaveLength(400);
  // Paged back from the end, page by page, the same ones.
  const back: RunEvent[] = [];
  for (let before: number | undefined; ; before = back.at(-1)?.seq) {
    const page = await runs.events(world.ctx, {
      runId,
      limit: 150,
      types: ["metrics"],
      newestFirst: true,
      beforeSeq: before,
    });
    back.push(...page);
    if (page.length < 150) break;
  }
  expect(back.reverse()).toEqual(events);
  await expect(storeJournal(world.ctx, claim, journal(402, 402, metricsAt))).rejects.toThrow(
    "journal line 401 is missing",
  );
  // Spikes survive thinning, and nothing is counted twice in the rollups.
  const [thin] = await runs.metrics(world.ctx, { runId, names: ["optim/grad_norm"], buckets: 10 });
  expect(thin?.points.reduce((sum, { count }) => sum + count, 0)).toBe(400);
  expect(thin?.points.filter(({ max }) => max === 99).length).toBeGreaterThanOrEqual(3);
});

test("a value lies once in the database: events tell what was told, from the points", async () => {
  const claim = await claimed("a");
  const spoken = (n: number): RunEventBody =>
    n % 3 === 0 ? { type: "metrics", step: n - 1, tokens: n * 100, values: { "eval/loss": 1 / n } } : metricsAt(n);
  const lines = journal(1, 90, spoken);
  await storeJournal(world.ctx, claim, lines.slice(0, 50));
  await storeJournal(world.ctx, claim, lines.slice(50));
  const metrics = { runId, limit: 1000, types: ["metrics"] };
  const told = (await runs.events(world.ctx, metrics)).map(({ body }) => body);
  expect(told).toEqual(lines.map(({ body }) => body));
  const { rows } = await world.db.execute<{ body: object }>(
    sql`select body from run_events where run_id = ${runId} and type = 'metrics'`,
  );
  expect(rows).toHaveLength(90);
  expect(rows.every(({ body }) => Object.keys(body).sort().join() === "set,step,tokens,type")).toBe(true);
  // Searched by the name of a series; an event of another set is left out.
  const found = await runs.events(world.ctx, { ...metrics, search: "eval/LOSS" });
  expect(found.map(({ body }) => body)).toEqual(lines.filter((_, i) => i % 3 === 2).map(({ body }) => body));
  // A row of an older version holds the values itself, and is told as it is.
  const old = { type: "metrics", step: 7, tokens: 1, values: { "train/loss": 3.5 } };
  await world.db.execute(sql`update run_events set body = ${JSON.stringify(old)}::jsonb where run_id = ${runId} and type = 'metrics'
    and body->>'step' = '7'`);
  const seventh = (await runs.events(world.ctx, metrics)).find(
    ({ body }) => body.type === "metrics" && body.step === 7,
  );
  expect(seventh?.body).toEqual(old);
});

async function collect<T>(stream: AsyncGenerator<T>, enough: (seen: T[]) => boolean): Promise<T[]> {
  const seen: T[] = [];
  for await (const value of stream) {
    seen.push(value);
    if (enough(seen)) break;
  }
  return seen;
}

test("watching misses and doubles nothing: while events come, after a break, and at the end", async () => {
  const claim = await claimed("a");
  const total = 600;
  const write = async () => {
    for (let from = 1; from <= total; from += 20)
      await storeJournal(world.ctx, claim, journal(from, from + 19, metricsAt));
    await settleRun(world.ctx, claim, { end: "succeeded" });
  };
  const ends = (seen: RunEvent[]) => seen.at(-1)?.body.type === "status" && seen.length > total;
  // One reader stays; another loses its connection again and again and comes back with the last number it saw.
  const steady = collect(runs.watch(world.ctx, { runId }), ends);
  const shaky = (async () => {
    const seen: RunEvent[] = [];
    while (!ends(seen)) {
      const take = 1 + (seen.length % 37);
      const part = await collect(
        runs.watch(world.ctx, { runId, lastEventId: seen.length > 0 ? String(seen.at(-1)?.seq) : null }),
        (now) => now.length >= take,
      );
      if (part.length === 0) break;
      seen.push(...part);
    }
    return seen;
  })();
  const [, first, second] = await Promise.all([write(), steady, shaky]);
  const expected = Array.from({ length: total + 3 }, (_, seq) => seq); // queued, running, the steps, succeeded
  expect(first.map(({ seq }) => seq)).toEqual(expected);
  expect(second.map(({ seq }) => seq)).toEqual(expected);
  // A late watcher gets it all and the stream ends by itself.
  expect((await collect(runs.watch(world.ctx, { runId }), () => false)).map(({ seq }) => seq)).toEqual(expected);
});

test("a watcher that goes away ends its stream; all runs are told at once", async () => {
  const stop = new AbortController();
  const ctx = { ...world.ctx, signal: stop.signal };
  const claim = await claimed("a");
  const told: RunSummary[] = [];
  const all = (async () => {
    for await (const summary of runs.watchAll(ctx, undefined)) {
      told.push(summary);
      if (summary.id === runId && summary.status === "cancelled") stop.abort();
    }
  })();
  const one = collect(runs.watch(ctx, { runId }), () => false);
  await runs.cancel(world.ctx, { runId });
  expect(await renewLease(world.ctx, claim, 60)).toMatchObject({ control: "cancel" });
  await settleRun(world.ctx, claim, { end: "cancelled" });
  await Promise.all([all, one]);
  expect(told.some(({ id, status }) => id === runId && status === "cancelled")).toBe(true);
  expect(await problemOf(collect(runs.watch(world.ctx, { runId: crypto.randomUUID() }), () => true))).toMatchObject({
    code: "NOT_FOUND",
  });
});

test("a run that breaks again and again without getting further is given up, one that gets further is not", async () => {
  const problem = { code: "INTERNAL" as const, field: null, message: "it broke", remedy: null };
  const broken = { end: "failed" as const, problem, permanent: false, retry: { attempts: 3, waitSeconds: 0 } };
  for (const status of ["queued", "queued", "failed"])
    expect(await settleRun(world.ctx, await claimed("a"), broken)).toBe(status);
  expect(await runs.resume(world.ctx, { runId })).toMatchObject({ status: "queued", problem: null });
  for (let i = 1; i <= 5; i++) {
    const claim = await claimed("a");
    await storeJournal(world.ctx, claim, journal(i, i, metricsAt));
    expect(await settleRun(world.ctx, claim, broken)).toBe("queued");
  }
  const claim = await claimed("a");
  expect(await settleRun(world.ctx, claim, { ...broken, permanent: true })).toBe("failed");
});

test("a lost message is sent again, and a waiting one is not doubled", async () => {
  const waiting = async () => {
    const answer = await world.db.execute<{ n: number }>(
      sql`select count(*)::int as n from pgboss.job where name = 'run.advance' and state = 'created' and data->>'runId' = ${runId}`,
    );
    return answer.rows[0]?.n;
  };
  await world.db.execute(sql`delete from pgboss.job where data->>'runId' = ${runId}`);
  expect(await waiting()).toBe(0);
  expect(await requeueRuns(world.ctx, homeId(world.home))).toContain(runId);
  await requeueRuns(world.ctx, homeId(world.home));
  expect(await waiting()).toBe(1);
});

test("what a model says is kept whatever it holds: samples, events, problems and names, never a run lost", async () => {
  const claim = await claimed("a\0\ud800");
  const foreign = "\0said \ud83d\0";
  const kept = "\u2400said \ufffd\u2400";
  const bodies: RunEventBody[] = [
    {
      type: "samples",
      step: 1,
      samples: [{ prompt: foreign, expected: foreign, answer: foreign, thought: foreign, cut: true, adapter: foreign }],
    },
    { type: "log", level: "warn", message: foreign, phrases: { message: { pattern: "{0}", values: [foreign] } } },
    { type: "stage", stage: "train", state: "failed", note: foreign },
    {
      type: "artifact",
      kind: "gguf",
      name: foreign,
      digest: `sha256:${"0".repeat(64)}`,
      bytes: 1,
      path: foreign,
      ggufType: null,
      checkpointStep: null,
    },
    {
      type: "progress",
      progress: { stage: "train", step: 1, totalSteps: 2, fraction: 0.5, etaSeconds: null, note: foreign },
    },
  ];
  await storeJournal(
    world.ctx,
    claim,
    journal(1, bodies.length, (n) => bodies[n - 1] as RunEventBody),
  );
  const problem = {
    code: "INTERNAL" as const,
    field: null,
    message: foreign,
    remedy: foreign,
    details: { [foreign]: foreign },
  };
  const broken = { end: "failed" as const, problem, permanent: true, retry: { attempts: 3, waitSeconds: 0 } };
  expect(await settleRun(world.ctx, claim, broken)).toBe("failed");
  const detail = await runs.get(world.ctx, { runId });
  expect(detail.problem).toMatchObject({ message: kept, remedy: kept, details: { [kept]: kept } });
  expect(detail.progress?.note).toBe(kept);
  expect(detail.artifacts.map(({ name, file }) => [name, file])).toEqual([[kept, kept]]);
  expect(detail.attempts[0]?.problem?.message).toBe(kept);
  expect(await runs.samples(world.ctx, { runId })).toMatchObject([
    { prompt: kept, expected: kept, answer: kept, thought: kept, cut: true },
  ]);
  const logged = (await runs.events(world.ctx, { runId, types: ["log"] })).map(({ body }) => body);
  expect(logged).toMatchObject([{ message: kept, phrases: { message: { values: [kept] } } }]);
});
