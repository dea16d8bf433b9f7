import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrainerStart } from "@anneal/contracts";
import { EngineError } from "@anneal/engine";
import type { EncodedRow } from "@anneal/text";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeAttempt } from "../run-directory/attempt-lock.ts";
import { cachedShard, clearUnusedShards } from "../shard-cache.ts";
import { Control, Stopped } from "./context/control.ts";
import { engineCall } from "./context/engine-call.ts";
import { AnswersFile } from "./evaluate/answers-file.ts";
import { nothingMeasured } from "./evaluate/measure.ts";
import { fileSlug } from "./export/artifacts.ts";
import { verifyBase } from "./prepare/base-check.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "anneal-keep-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("answers kept as they are measured", () => {
  const said = { text: "yes", thought: null, open: false, cut: false };
  const open = (attempt: number, about = "base x") => {
    takeAttempt(dir, attempt, true);
    return new AnswersFile(dir, "before", about, attempt, true);
  };

  test("the next attempt finds what earlier ones measured, without a torn tail", async () => {
    const first = open(1);
    first.keep({ losses: [[0, { lossSum: 1.5, tokens: 2, correct: 1 }]] });
    first.keep({ answers: [[0, said]] });
    first.close();
    const folder = join(dir, "answers");
    const path = join(folder, readdirSync(folder)[0] ?? "");
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -6));
    const found = await open(2).load(nothingMeasured());
    expect([...found.losses]).toEqual([[0, { lossSum: 1.5, tokens: 2, correct: 1 }]]);
    expect(found.answers.size).toBe(0);
  });

  test("answers of another state do not count", async () => {
    const first = open(1);
    first.keep({ answers: [[0, said]] });
    first.close();
    expect((await open(2, "base y").load(nothingMeasured())).answers.size).toBe(0);
  });

  test("an attempt that was taken over can keep nothing", () => {
    const stale = open(1);
    open(2);
    expect(() => stale.keep({ answers: [[0, said]] })).toThrow("taken over");
  });
});

describe("cached shards", () => {
  const row = (token: number): EncodedRow => ({
    tokens: Int32Array.from([token, token + 1]),
    labels: Int32Array.from([-100, token + 1]),
    supervisedTokens: 1,
    truncated: false,
  });
  async function* rows() {
    yield row(1);
    yield row(5);
  }

  test("made once, found again, and made anew when a byte has changed", async () => {
    const made = await cachedShard(dir, { of: "x" }, rows);
    made.shard.close();
    expect(made).toMatchObject({ rows: 2, tokens: 4, supervisedTokens: 2, fromCache: false });
    const found = await cachedShard(dir, { of: "x" }, rows);
    expect(found.fromCache).toBe(true);
    expect([...found.shard.tokens(1)]).toEqual([5, 6]);
    found.shard.close();
    const name = readdirSync(dir).find((one) => one.endsWith(".shard")) ?? "";
    const bytes = readFileSync(join(dir, name));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(join(dir, name), bytes);
    const mended = await cachedShard(dir, { of: "x" }, rows);
    expect(mended.fromCache).toBe(false);
    expect(mended.digest).toBe(made.digest);
    mended.shard.close();
  });

  test("a shard that was not used for a month is removed, one in use is not", async () => {
    (await cachedShard(dir, { of: "x" }, rows)).shard.close();
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
    expect(clearUnusedShards(dir, inDays(29))).toBe(0);
    expect(clearUnusedShards(dir, inDays(31))).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
  });

  test("what it is made of tells shards apart", async () => {
    (await cachedShard(dir, { of: "x" }, rows)).shard.close();
    const other = await cachedShard(dir, { of: "y" }, rows);
    expect(other.fromCache).toBe(false);
    other.shard.close();
  });
});

describe("the base model of a run", () => {
  const start = (base: TrainerStart["base"], baseDigest: string | null = null) =>
    ({ base, baseDigest, baseName: "tiny", runDirectory: join(dir, "run") }) as TrainerStart;
  beforeEach(() => mkdirSync(join(dir, "run")));
  const gguf = () => ({ kind: "gguf" as const, path: join(dir, "model.gguf") });

  test("hashed once; touched but the same is fine, changed is refused with the remedy", async () => {
    writeFileSync(gguf().path, "weights");
    const hashed: string[] = [];
    const digest = await verifyBase(start(gguf()), (name) => hashed.push(name));
    expect(await verifyBase(start(gguf()), (name) => hashed.push(name))).toBe(digest);
    expect(hashed).toEqual(["model.gguf"]);
    utimesSync(gguf().path, 1, 1);
    expect(await verifyBase(start(gguf()), () => undefined)).toBe(digest);
    writeFileSync(gguf().path, "other weights");
    await expect(verifyBase(start(gguf()), () => undefined)).rejects.toThrow("has changed");
  });

  test("another file than the one that was chosen is refused", async () => {
    writeFileSync(gguf().path, "weights");
    await expect(verifyBase(start(gguf(), `sha256:${"0".repeat(64)}`), () => undefined)).rejects.toThrow("has changed");
  });

  test("a base that is gone is said to be gone", async () => {
    await expect(verifyBase(start(gguf()), () => undefined)).rejects.toThrow("is gone");
  });
});

describe("what people ask meanwhile", () => {
  test("the stronger reason stays, and the engine is told", () => {
    const control = new Control();
    const asked: string[] = [];
    control.attach({ requestStop: () => asked.push("stop"), clearStop: () => undefined });
    control.stop("yield");
    control.ask("cancel", 3);
    control.stop("yield");
    expect(control.stopped).toBe("cancel");
    expect(control.stopNumber).toBe(3);
    expect(asked).toEqual(["stop", "stop"]);
  });

  test("a stop inside the engine comes out as what was asked for", async () => {
    const control = new Control();
    const work = engineCall(control, async () => {
      control.ask("pause", 1);
      throw new EngineError("ENGINE_STOPPED", "stop_requested", "session");
    });
    await expect(work).rejects.toMatchObject({ reason: "pause" });
    await expect(engineCall(control, async () => 1)).rejects.toBeInstanceOf(Stopped);
  });

  test("save is taken once", () => {
    const control = new Control();
    control.ask("save", 5);
    expect([control.takeSave(), control.takeSave()]).toEqual([5, null]);
  });
});

test("file names hold nothing but letters, digits and . _ -", () => {
  expect(fileSlug("../../etc/passwd")).toBe("etc-passwd");
  expect(fileSlug("  Bänk: Absichten (v2)  ")).toBe("Bank-Absichten-v2");
  expect(fileSlug("模型")).toBe("model");
});
