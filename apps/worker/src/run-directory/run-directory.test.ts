import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inWords, type RunEventBody } from "@anneal/contracts";
import { seal, sha256OfFile } from "@anneal/data";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCursor } from "../trainer/context/cursor.ts";
import { requireAttempt, takeAttempt } from "./attempt-lock.ts";
import { CheckpointStore, type Cursor, statePath } from "./checkpoints.ts";
import { writeDurably } from "./files.ts";
import { Journal } from "./journal.ts";
import { encodeLine, journalPath, readJournal } from "./journal-file.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "anneal-run-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const metrics = (step: number): RunEventBody => ({
  type: "metrics",
  step,
  tokens: step,
  values: { "train/loss": 1 / step },
});
const open = async (attempt: number, fenced = true) => {
  takeAttempt(dir, attempt, fenced);
  return Journal.open(dir, { attempt, fenced, stored: { number: 0, step: 0 }, now: new Date() });
};
const read = async (attempt: number, afterNumber = 0) => {
  const lines = [];
  for await (const line of readJournal(dir, { attempt, afterNumber })) lines.push(line);
  return lines;
};

test("a torn tail is ignored and the next attempt goes on with the next number", async () => {
  const first = await open(1);
  first.append(metrics(1), metrics(2));
  first.append(metrics(3));
  const path = journalPath(dir, 1);
  truncateSync(path, readFileSync(path).length - 5);
  const second = await open(2);
  expect(second.number).toBe(2);
  expect(second.told.metricsStep).toBe(2);
  second.append(metrics(3));
  expect((await read(2)).map(({ number, body }) => [number, body.type === "metrics" && body.step])).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
});

test("a flipped bit ends a journal at that line", async () => {
  const first = await open(1);
  first.append(metrics(1), metrics(2), metrics(3));
  const path = journalPath(dir, 1);
  const lines = readFileSync(path, "utf8").split("\n");
  lines[2] = (lines[2] ?? "").replace('"step":2', '"step":7');
  writeFileSync(path, lines.join("\n"));
  expect((await read(1)).map(({ number }) => number)).toEqual([1]);
});

test("what a stale attempt writes after a take-over is void, and it is told so", async () => {
  const stale = await open(1);
  stale.append(metrics(1), metrics(2));
  const fresh = await open(2);
  expect(() => stale.append(metrics(3))).toThrow("taken over by attempt 2");
  // Even a write that slipped between the check and the disk does not count.
  appendFileSync(journalPath(dir, 1), encodeLine({ number: 3, time: new Date().toISOString(), body: metrics(33) }));
  fresh.append(metrics(3));
  expect((await read(2)).map(({ body }) => body.type === "metrics" && body.step)).toEqual([1, 2, 3]);
  expect((await read(2, 2)).map(({ number }) => number)).toEqual([3]);
});

test("negative control: without the fence the stale attempt writes on", async () => {
  const stale = await open(1, false);
  await open(2, false);
  expect(() => stale.append(metrics(1))).not.toThrow();
});

const cursor = (step: number): Cursor => ({ ...startCursor(10), step });
const writeState = (text: string) => async (path: string) => {
  writeDurably(path, text);
  return { sha256: await sha256OfFile(path), bytes: text.length };
};

test("a damaged checkpoint is set aside and the one before is used", async () => {
  takeAttempt(dir, 1, true);
  const store = new CheckpointStore(dir, 1, true);
  await store.save(cursor(5), writeState("five"));
  const six = await store.save(cursor(6), writeState("six"));
  writeFileSync(statePath(six), "siy");
  const told: string[] = [];
  const found = await store.newest((message) => told.push(inWords(message)));
  expect(found?.step).toBe(5);
  expect(told[0]).toContain("has been changed");
});

test("half-written checkpoints of killed attempts are never loaded and are cleared away", async () => {
  takeAttempt(dir, 1, true);
  const killed = new CheckpointStore(dir, 1, true);
  await expect(
    killed.save(cursor(3), async (path) => {
      writeDurably(path, "half");
      throw new Error("killed");
    }),
  ).rejects.toThrow("killed");
  takeAttempt(dir, 2, true);
  const next = new CheckpointStore(dir, 2, true);
  expect(readdirSync(join(dir, "checkpoints"))).toEqual([]);
  expect(await next.newest(() => undefined)).toBeNull();
});

test("keeps the newest K and the best", async () => {
  takeAttempt(dir, 1, true);
  const store = new CheckpointStore(dir, 1, true);
  for (const step of [1, 2, 3, 4, 5]) await store.save(cursor(step), writeState(`s${step}`));
  expect(store.prune(2, [1])).toEqual([2, 3]);
  expect(existsSync(join(dir, "checkpoints/step-000000001-e000000001"))).toBe(true);
});

test("a stale attempt can neither save nor prune", async () => {
  takeAttempt(dir, 1, true);
  const stale = new CheckpointStore(dir, 1, true);
  await stale.save(cursor(1), writeState("one"));
  takeAttempt(dir, 2, true);
  await expect(stale.save(cursor(2), writeState("two"))).rejects.toThrow("taken over");
  expect(() => stale.prune(1, [])).toThrow("taken over");
});

test("a folder of an Anneal that said epoch is read, goes on and holds its fence", async () => {
  const folder = join(dir, "checkpoints/step-000000005-e000000001");
  mkdirSync(folder, { recursive: true });
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const [name, text] of Object.entries({
    "state.safetensors": "five",
    "cursor.json": JSON.stringify(cursor(5)),
  })) {
    writeDurably(join(folder, name), text);
    files[name] = { sha256: await sha256OfFile(join(folder, name)), bytes: text.length };
  }
  writeDurably(join(folder, "manifest.json"), seal({ version: 2, step: 5, epoch: 1, createdAt: "2026-11-24", files }));
  mkdirSync(join(dir, "epochs"));
  writeDurably(join(dir, "epochs/000000001"), "");
  mkdirSync(join(dir, "journal"));
  const time = new Date().toISOString();
  const told = { number: 1, time, body: { type: "attempt", epoch: 1, workerName: "w", resumedFromStep: null } };
  writeFileSync(journalPath(dir, 1), encodeLine({ epoch: 1, after: 0, startedAt: time }) + encodeLine(told));

  expect((await read(1)).map(({ body }) => body)).toEqual([
    { type: "attempt", attempt: 1, workerName: "w", resumedFromStep: null },
  ]);
  expect(() => requireAttempt(dir, 1)).not.toThrow();
  const next = await open(2);
  expect(next.append(metrics(6))).toBe(2);
  expect(() => requireAttempt(dir, 1)).toThrow("taken over by attempt 2");
  const found = await new CheckpointStore(dir, 2, true).newest((message) => expect(message).toBeNull());
  expect(found).toMatchObject({ step: 5, attempt: 1 });
});
