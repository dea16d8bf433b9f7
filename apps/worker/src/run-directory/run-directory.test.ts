import {
  appendFileSync,
  existsSync,
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
import { sha256OfFile } from "@anneal/data";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCursor } from "../trainer/context/cursor.ts";
import { CheckpointStore, type Cursor, statePath } from "./checkpoints.ts";
import { takeEpoch } from "./epoch-lock.ts";
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
const open = async (epoch: number, checkEpoch = true) => {
  takeEpoch(dir, epoch, checkEpoch);
  return Journal.open(dir, { epoch, checkEpoch, stored: { number: 0, step: 0 }, now: new Date() });
};
const read = async (epoch: number, afterNumber = 0) => {
  const lines = [];
  for await (const line of readJournal(dir, { epoch, afterNumber })) lines.push(line);
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

test("negative control: without the epoch check the stale attempt writes on", async () => {
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
  takeEpoch(dir, 1, true);
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
  takeEpoch(dir, 1, true);
  const killed = new CheckpointStore(dir, 1, true);
  await expect(
    killed.save(cursor(3), async (path) => {
      writeDurably(path, "half");
      throw new Error("killed");
    }),
  ).rejects.toThrow("killed");
  takeEpoch(dir, 2, true);
  const next = new CheckpointStore(dir, 2, true);
  expect(readdirSync(join(dir, "checkpoints"))).toEqual([]);
  expect(await next.newest(() => undefined)).toBeNull();
});

test("keeps the newest K and the best", async () => {
  takeEpoch(dir, 1, true);
  const store = new CheckpointStore(dir, 1, true);
  for (const step of [1, 2, 3, 4, 5]) await store.save(cursor(step), writeState(`s${step}`));
  expect(store.prune(2, [1])).toEqual([2, 3]);
  expect(existsSync(join(dir, "checkpoints/step-000000001-e000000001"))).toBe(true);
});

test("a stale attempt can neither save nor prune", async () => {
  takeEpoch(dir, 1, true);
  const stale = new CheckpointStore(dir, 1, true);
  await stale.save(cursor(1), writeState("one"));
  takeEpoch(dir, 2, true);
  await expect(stale.save(cursor(2), writeState("two"))).rejects.toThrow("taken over");
  expect(() => stale.prune(1, [])).toThrow("taken over");
});
