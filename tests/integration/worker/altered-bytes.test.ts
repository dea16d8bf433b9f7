import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatasetRow, JournalLine, TrainerStart } from "@anneal/contracts";
import { digestsPath, importVersion, openVersion, sha256OfFile } from "@anneal/data";
import { type EncodedRow, openShard } from "@anneal/text";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isIntact } from "../../../apps/worker/src/publishing/file-to-publish.ts";
import { takeAttempt } from "../../../apps/worker/src/run-directory/attempt-lock.ts";
import { CheckpointStore, statePath, verifyCheckpoint } from "../../../apps/worker/src/run-directory/checkpoints.ts";
import { writeDurably } from "../../../apps/worker/src/run-directory/files.ts";
import { Journal } from "../../../apps/worker/src/run-directory/journal.ts";
import { journalPath, readJournal } from "../../../apps/worker/src/run-directory/journal-file.ts";
import { cachedShard } from "../../../apps/worker/src/shard-cache.ts";
import { startCursor } from "../../../apps/worker/src/trainer/context/cursor.ts";
import { TeacherRows } from "../../../apps/worker/src/trainer/prepare/teacher-rows.ts";
import { openParquet } from "../../../packages/data/src/parquet-rows.ts";

// Whatever one byte of a stored file becomes: it is found before the file is used. Offsets and values are drawn with a fixed seed.
const home = mkdtempSync(join(tmpdir(), "anneal-altered-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

let state = 0x9e3779b9;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

/** Alters one byte of the file, asks, and puts it back. */
async function altered<T>(path: string, ask: () => Promise<T>): Promise<{ said: T; where: string }> {
  const whole = readFileSync(path);
  const offset = random(whole.length);
  const bytes = Buffer.from(whole);
  const now = ((bytes[offset] ?? 0) + 1 + random(255)) % 256;
  bytes[offset] = now;
  writeFileSync(path, bytes);
  try {
    return { said: await ask(), where: `${path}: byte ${offset} of ${whole.length} is ${now}, not ${whole[offset]}` };
  } finally {
    writeFileSync(path, whole);
  }
}
const refusal = async (work: () => Promise<unknown>): Promise<string | null> => {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const rowsOf = async (open: typeof openVersion, path: string): Promise<DatasetRow[]> => {
  const reader = await open(path);
  try {
    const rows: DatasetRow[] = [];
    for await (const row of reader.all()) rows.push(row);
    expect(await reader.read(1500, 20)).toEqual(rows.slice(1500, 1520));
    return rows;
  } finally {
    await reader.close();
  }
};
let dataset = "";
let rows: DatasetRow[] = [];
beforeAll(async () => {
  const source = join(home, "rows.jsonl");
  const lines = Array.from({ length: 3000 }, (_, i) =>
    JSON.stringify({
      prompt: `question ${i} ${createHash("md5").update(String(i)).digest("hex")}`,
      completion: `${i % 7}`,
    }),
  );
  writeFileSync(source, lines.join("\n"));
  const folder = join(home, "datasets");
  dataset = (await importVersion(source, { fileName: "rows.jsonl", skipBadLines: false, folder })).path;
  rows = await rowsOf(openVersion, dataset);
});

test("a dataset's file: 100 of 100", async () => {
  for (let i = 0; i < 100; i++) {
    // Half of the time the file is as young as before: its times prove nothing.
    const { said, where } = await altered(dataset, () => refusal(() => rowsOf(openVersion, dataset)));
    expect(said, where).toMatch(/is damaged/);
    expect(said, where).toContain(dataset);
  }
  expect(await rowsOf(openVersion, dataset)).toEqual(rows);
});

test("control: read without its digests, some of the altered files give other rows without a word", async () => {
  let other = 0;
  for (let i = 0; i < 60; i++) {
    const { said } = await altered(dataset, () => rowsOf(openParquet, dataset).catch(() => null));
    if (said && JSON.stringify(said) !== JSON.stringify(rows)) other++;
  }
  expect(other).toBeGreaterThan(0);
});

test("the digests beside a dataset's file: 20 of 20, made again", async () => {
  const note = readFileSync(digestsPath(dataset), "utf8");
  for (let i = 0; i < 20; i++) {
    const { said, where } = await altered(digestsPath(dataset), async () => {
      // The file is proven anew where its identity is another.
      writeFileSync(dataset, readFileSync(dataset));
      const read = await rowsOf(openVersion, dataset);
      return { right: JSON.stringify(read) === JSON.stringify(rows), note: readFileSync(digestsPath(dataset), "utf8") };
    });
    expect(said, where).toEqual({ right: true, note });
  }
});

const encoded = (): EncodedRow[] =>
  Array.from({ length: 200 }, (_, i) => {
    const tokens = Int32Array.from({ length: 12 }, (_, t) => (i * 31 + t * 7) % 500);
    return { tokens, labels: tokens.map((token, t) => (t > 4 ? token : -100)), supervisedTokens: 7, truncated: false };
  });
const shardOf = (source: () => EncodedRow[]) =>
  cachedShard(join(home, "shards"), { of: "this test" }, async function* () {
    yield* source();
  });

test("a token shard and its note: 60 of 60, made again", async () => {
  const whole = await shardOf(encoded);
  const [path = "", note = ""] = [".shard", ".json"].map((end) =>
    join(
      home,
      "shards",
      `${createHash("sha256")
        .update(JSON.stringify({ of: "this test" }))
        .digest("hex")}${end}`,
    ),
  );
  for (let i = 0; i < 60; i++) {
    const { said, where } = await altered(i % 3 === 0 ? note : path, () => shardOf(encoded));
    expect(said.fromCache, where).toBe(false);
    expect(said, where).toMatchObject({ digest: whole.digest, tokens: whole.tokens, rows: whole.rows });
    expect((await shardOf(encoded)).fromCache).toBe(true);
  }
  // Control: opened as it lies, an altered shard gives other tokens without a word.
  let other = 0;
  const tokens = (shard: ReturnType<typeof openShard>) =>
    Array.from({ length: shard.rows }, (_, i) => [...shard.tokens(i)]).join();
  for (let i = 0; i < 30; i++) {
    const { said } = await altered(path, async () => {
      try {
        return tokens(openShard(path));
      } catch {
        return null;
      }
    });
    if (said !== null && said !== tokens(openShard(path))) other++;
  }
  expect(other).toBeGreaterThan(0);
});

test("a teacher's file: 20 of 20", async () => {
  const path = join(home, "best.teacher");
  writeFileSync(path, Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251)));
  const teacherFile = { name: "teacher", path, digest: `sha256:${await sha256OfFile(path)}` };
  const open = () =>
    TeacherRows.open({ teacherFile } as unknown as TrainerStart, {} as never, {} as never, () => undefined);
  for (let i = 0; i < 20; i++) {
    const { said, where } = await altered(path, () => refusal(open));
    expect(said, where).toMatch(/teacher has changed/);
  }
});

test("a checkpoint's state, cursor and manifest: 60 of 60", async () => {
  const run = join(home, "run");
  takeAttempt(run, 1, true);
  const store = new CheckpointStore(run, 1, true);
  const saved = await store.save({ ...startCursor(10), step: 5 }, async (path) => {
    writeDurably(path, Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 13) % 256)));
    return { sha256: await sha256OfFile(path), bytes: 20_000 };
  });
  expect((await verifyCheckpoint(saved.path)).digest).toBe(saved.digest);
  const files = [statePath(saved), join(saved.path, "cursor.json"), join(saved.path, "manifest.json")];
  for (let i = 0; i < 60; i++) {
    const { said, where } = await altered(files[i % 3] ?? "", () => refusal(() => verifyCheckpoint(saved.path)));
    expect(said, where).not.toBeNull();
  }
  expect((await store.newest(() => undefined))?.path).toBe(saved.path);
});

test("an exported file: 20 of 20", async () => {
  const path = join(home, "model.gguf");
  writeFileSync(path, Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * 7) % 256)));
  const file = { path, digest: `sha256:${await sha256OfFile(path)}` };
  expect(await isIntact(file)).toBe(true);
  for (let i = 0; i < 20; i++) {
    const { said, where } = await altered(path, () => isIntact(file));
    expect(said, where).toBe(false);
  }
});

test("a journal: 40 of 40, and no altered line is told", async () => {
  const run = join(home, "journal-run");
  mkdirSync(run);
  takeAttempt(run, 1, true);
  const journal = await Journal.open(run, {
    attempt: 1,
    fenced: true,
    stored: { number: 0, step: 0 },
    now: new Date(0),
  });
  for (let step = 1; step <= 40; step++)
    journal.append({ type: "metrics", step, tokens: step * 9, values: { "train/loss": 1 / step } });
  journal.close();
  const read = async () => {
    const lines: JournalLine[] = [];
    for await (const line of readJournal(run, { attempt: 1 })) lines.push(line);
    return lines;
  };
  const whole = await read();
  expect(whole).toHaveLength(40);
  for (let i = 0; i < 40; i++) {
    const { said, where } = await altered(journalPath(run, 1), read);
    expect(said.length, where).toBeLessThan(40);
    expect(said, where).toEqual(whole.slice(0, said.length));
  }
});
