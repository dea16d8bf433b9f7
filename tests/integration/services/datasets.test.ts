import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { api } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { datasets } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinyRows } from "../../support/model-files/tiny-model.ts";
import { bodyOf, makeDataset, openWorld, problemOf, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const uploads = () => (existsSync(world.ctx.paths.uploads) ? readdirSync(world.ctx.paths.uploads) : []);
const files = () => (existsSync(world.ctx.paths.datasets) ? readdirSync(world.ctx.paths.datasets) : []);

test("upload, look again, commit, read, check, remove", async () => {
  const { ctx } = world;
  const csv = "text,category\nWhere is it?,card\n,empty\nWhy?,reason\n";
  const seen = await datasets.receiveUpload(ctx, {
    fileName: "../../evil\\name.csv",
    body: bodyOf(csv.slice(0, 9), csv.slice(9)),
  });
  expect(seen).toMatchObject({ fileName: "name.csv", bytes: csv.length, format: "csv", goodRows: 2, badLineCount: 1 });
  const { uploadId } = seen;
  const mapping = { user: "text", assistant: "category", systemText: "Name the intent." };
  const again = await datasets.inspect(ctx, { uploadId, mapping });
  expect(again.preview[0]).toEqual({
    messages: [
      { role: "system", content: "Name the intent." },
      { role: "user", content: "Where is it?" },
      { role: "assistant", content: "card" },
    ],
  });
  const refused = await problemOf(datasets.commit(ctx, { uploadId, name: "bank" }));
  expect(refused).toMatchObject({ code: "PRECONDITION_FAILED", field: "line 3" });
  const made = await datasets.commit(ctx, { uploadId, name: "bank", skipBadLines: true });
  expect(made).toMatchObject({
    name: "bank",
    versions: [{ number: 1, rows: 2, badLineCount: 1, sourceName: "name.csv" }],
  });
  expect(uploads()).toEqual([]);
  // Told twice (the answer got lost): the same answer.
  expect(await datasets.commit(ctx, { uploadId, name: "bank", skipBadLines: true })).toEqual(made);
  expect(await problemOf(datasets.commit(ctx, { uploadId, name: "other", skipBadLines: true }))).toMatchObject({
    code: "CONFLICT",
  });

  const [version] = made.versions;
  const rows = await datasets.rows(ctx, { versionId: version?.id ?? "", offset: 1, limit: 5 });
  expect(rows).toMatchObject({ total: 2, rows: [{ messages: [{}, { content: "Why?" }, { content: "reason" }] }] });
  const check = await datasets.check(ctx, { versionId: version?.id ?? "", base: world.model, maxSequenceTokens: 256 });
  expect(check).toMatchObject({ rows: 2, truncatedRows: 0, zeroTargetRows: 0 });
  expect(check.supervisedTokens).toBeGreaterThan(0);
  expect(check.examples[0]?.spans.some(({ trained, text }) => trained && text.includes("card"))).toBe(true);
  const short = await datasets.check(ctx, { versionId: version?.id ?? "", base: world.model, maxSequenceTokens: 20 });
  expect(short).toMatchObject({ truncatedRows: 2, zeroTargetRows: 2, supervisedTokens: 0 });

  const { versionId, created, ...summary } = made;
  expect({ versionId, created }).toEqual({ versionId: version?.id, created: true });
  expect(await datasets.get(ctx, { datasetId: made.id })).toEqual(summary);
  expect(await datasets.list(ctx, undefined)).toContainEqual(summary);
  expect(await datasets.remove(ctx, { datasetId: made.id })).toEqual({ removed: true });
  expect(files()).toEqual([]);
  expect(await problemOf(datasets.get(ctx, { datasetId: made.id }))).toMatchObject({ code: "NOT_FOUND" });
});

test("content that is not read is mapped or left out before a version is made, which records it", async () => {
  const { ctx } = world;
  const csv = "id,question,answer,topic\n1,Why?,So.,law\n2,How?,Thus.,tax\n";
  const upload = () => datasets.receiveUpload(ctx, { fileName: "topics.csv", body: bodyOf(csv) });
  const seen = await upload();
  expect(seen.unusedFields).toEqual([
    { path: "topic", rows: 2, example: "law", content: true },
    { path: "id", rows: 2, example: "1", content: false },
  ]);
  const { uploadId } = seen;
  expect(await problemOf(datasets.commit(ctx, { uploadId, name: "topics" }))).toMatchObject({
    code: "PRECONDITION_FAILED",
    field: "leaveOut",
    message: expect.stringContaining("topic"),
  });
  const leaveOut = ["topic"];
  expect(await datasets.inspect(ctx, { uploadId, leaveOut })).toMatchObject({ leaveOut, goodRows: 2 });
  // A commit without new words reads the file as the last look at it did.
  const made = await datasets.commit(ctx, { uploadId, name: "topics" });
  expect(made).toMatchObject({ created: true, versions: [{ number: 1, leftOut: ["topic", "id"] }] });
  const mapping = { user: "question", assistant: "answer", context: ["topic"] };
  const second = await datasets.commit(ctx, { uploadId: (await upload()).uploadId, name: "topics", mapping });
  const rows = await datasets.rows(ctx, { versionId: second.versionId });
  expect(rows.rows[0]).toMatchObject({ messages: [{ content: "law\n\nWhy?" }, { content: "So." }] });
  // The rows of version 1 again are version 1, not a version 3; told twice it says the same.
  const again = (await upload()).uploadId;
  for (let i = 0; i < 2; i++)
    expect(await datasets.commit(ctx, { uploadId: again, name: "topics", leaveOut })).toMatchObject({
      created: false,
      versionId: made.versionId,
      versions: [{ number: 2 }, { number: 1 }],
    });
  await datasets.remove(ctx, { datasetId: made.id });
});

test("a file belongs to all datasets that have its rows; equal rows make no new version", async () => {
  const { ctx } = world;
  const text = tinyRows(12);
  await makeDataset(ctx, "one", text);
  await makeDataset(ctx, "two", text);
  await makeDataset(ctx, "one", text);
  await makeDataset(ctx, "one", tinyRows(13));
  const all = await datasets.list(ctx, undefined);
  const one = all.find(({ name }) => name === "one");
  const two = all.find(({ name }) => name === "two");
  expect(one?.versions.map(({ number }) => number)).toEqual([2, 1]);
  expect(files()).toHaveLength(4); // two versions, each with the digests of its blocks
  await datasets.remove(ctx, { datasetId: one?.id ?? "" });
  expect(files()).toHaveLength(2);
  const still = await datasets.rows(ctx, { versionId: two?.versions[0]?.id ?? "" });
  expect(still.total).toBe(12);
  await datasets.remove(ctx, { datasetId: two?.id ?? "" });
  expect(files()).toEqual([]);
});

test("one commit sent ten times at once makes one version", async () => {
  const { ctx } = world;
  const { uploadId } = await datasets.receiveUpload(ctx, { fileName: "c.jsonl", body: bodyOf(tinyRows(20)) });
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => datasets.commit(ctx, { uploadId, name: "crowd" })),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  const [crowd] = (await datasets.list(ctx, undefined)).filter(({ name }) => name === "crowd");
  expect(crowd?.versions).toHaveLength(1);
});

test("bodies above the cap, broken off or empty leave nothing behind", async () => {
  const { ctx } = world;
  const before = uploads();
  const big = datasets.receiveUpload(ctx, {
    fileName: "b.csv",
    body: bodyOf("x".repeat(100), "y".repeat(100)),
    maxBytes: 150,
  });
  expect(await problemOf(big)).toMatchObject({ code: "TOO_LARGE", field: "file" });
  async function* broken() {
    yield Buffer.from("text,category\n");
    throw new Error("the line went dead");
  }
  await expect(datasets.receiveUpload(ctx, { fileName: "b.csv", body: broken() })).rejects.toThrow("went dead");
  expect(await problemOf(datasets.receiveUpload(ctx, { fileName: "b.csv", body: bodyOf() }))).toMatchObject({
    field: "file",
  });
  expect(uploads()).toEqual(before);
});

test("paths: only plain files below an allowed folder, through no link that leads out", async () => {
  const { ctx, dataFolder, home } = world;
  const good = join(dataFolder, "good.csv");
  writeFileSync(good, "text,category\na,b\n");
  const secret = join(home, "secret.csv");
  writeFileSync(secret, "text,category\ntop,secret\n");
  mkdirSync(join(dataFolder, "inner"));
  symlinkSync(secret, join(dataFolder, "link.csv"));
  symlinkSync(home, join(dataFolder, "inner", "up"));
  symlinkSync(good, join(dataFolder, "inner", "fine.csv"));
  for (const path of [
    secret,
    join(dataFolder, "..", "secret.csv"),
    `${dataFolder}/../secret.csv`,
    join(dataFolder, "link.csv"),
    join(dataFolder, "inner", "up", "secret.csv"),
    `${dataFolder}-other/x.csv`,
    "good.csv",
    "/etc/passwd",
    "/proc/self/environ",
    dataFolder,
    join(dataFolder, "missing.csv"),
  ])
    expect(await problemOf(datasets.importPath(ctx, { path })), path).toMatchObject({
      code: "INVALID_INPUT",
      field: "path",
    });
  const seen = await datasets.importPath(ctx, { path: join(dataFolder, "inner", "fine.csv") });
  expect(seen).toMatchObject({ goodRows: 1, fileName: "fine.csv" });
  await datasets.commit(ctx, { uploadId: seen.uploadId, name: "imported" });
  expect(existsSync(good)).toBe(true); // the person's own file is never taken away
  const none = { ...ctx, paths: { ...ctx.paths, dataDirectories: [] } };
  expect(await problemOf(datasets.importPath(none, { path: good }))).toMatchObject({
    remedy: expect.stringContaining("ANNEAL_DATA_DIRS"),
  });
});

test("a link that is turned after the look no longer leads out at the commit", async () => {
  const { ctx, dataFolder, home } = world;
  const path = join(dataFolder, "turns.csv");
  writeFileSync(path, "text,category\na,b\n");
  const { uploadId } = await datasets.importPath(ctx, { path });
  const { rmSync } = await import("node:fs");
  rmSync(path);
  writeFileSync(join(home, "other.csv"), "text,category\nstolen,row\n");
  symlinkSync(join(home, "other.csv"), path);
  expect(await problemOf(datasets.commit(ctx, { uploadId, name: "turned" }))).toMatchObject({ field: "path" });
});

test("uploads expire; reconcile clears them and files nobody names", async () => {
  const { ctx, clock } = world;
  const kept = await makeDataset(ctx, "kept", tinyRows(9));
  const { uploadId } = await datasets.receiveUpload(ctx, { fileName: "old.jsonl", body: bodyOf(tinyRows(3)) });
  expect(uploads()).toHaveLength(1);
  writeFileSync(join(ctx.paths.datasets, `sha256-${"0".repeat(64)}.parquet`), "left by a crash");
  writeFileSync(join(ctx.paths.datasets, ".import-x.jsonl"), "left by a crash");
  await datasets.clearExpired(ctx);
  expect(uploads()).toHaveLength(1); // negative control: nothing is old yet
  const start = clock.now;
  clock.now = new Date(start.getTime() + 3 * 86_400_000);
  try {
    expect(await problemOf(datasets.inspect(ctx, { uploadId }))).toMatchObject({
      code: "NOT_FOUND",
      field: "uploadId",
    });
    expect((await datasets.clearExpired(ctx)).removed).toBe(3);
    expect(uploads()).toEqual([]);
    expect((await ctx.db.select().from(schema.uploads)).filter(({ id }) => id === uploadId)).toEqual([]);
    expect((await datasets.rows(ctx, { versionId: kept })).total).toBe(9); // versions stay
  } finally {
    clock.now = start;
  }
});

test("inputs that do not fit the contract name their field", async () => {
  const { ctx } = world;
  expect(await problemOf(datasets.rows(ctx, { versionId: "x" }))).toMatchObject({
    code: "INVALID_INPUT",
    field: "versionId",
  });
  expect(await problemOf(datasets.rows(ctx, { versionId: crypto.randomUUID(), limit: 5000 }))).toMatchObject({
    field: "limit",
  });
  expect(await problemOf(datasets.commit(ctx, { uploadId: crypto.randomUUID(), name: "a/b" }))).toMatchObject({
    field: "name",
  });
  expect(api.datasets.list.output.parse(await datasets.list(ctx, undefined))).toBeDefined();
});
