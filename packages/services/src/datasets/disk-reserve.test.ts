import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StoragePaths } from "../ports.ts";
import { createDiskReserve } from "./disk-reserve.ts";
import { storeBody } from "./upload-file.ts";

const mib = 1024 ** 2;
let folder: string;
let written: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "anneal-reserve-"));
  written = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// A disk of 300 MiB of which 100 are to stay free; what is written counts when it is written.
const disk = () => createDiskReserve(async () => 300 * mib - written, 100 * mib);
const chunk = new Uint8Array(1 * mib);
async function* body(count: number) {
  for (let i = 0; i < count; i++) {
    yield chunk;
    written += chunk.byteLength;
  }
}
const store = (reserve: ReturnType<typeof disk>, mibs: number, promised = true) =>
  storeBody({ uploads: folder } as StoragePaths, body(mibs), { expectedBytes: promised ? mibs * mib : 0, reserve });
const outcomes = async (all: Promise<unknown>[]) =>
  (await Promise.allSettled(all)).map((one) => (one.status === "fulfilled" ? "stored" : one.reason.code));

test("uploads at once with a promised length share what is free", async () => {
  const reserve = disk();
  const told = await outcomes([1, 2, 3, 4, 5, 6].map(() => store(reserve, 90)));
  expect(told.filter((one) => one === "stored")).toHaveLength(2);
  expect(told.filter((one) => one === "NO_SPACE")).toHaveLength(4);
  expect(written).toBeLessThanOrEqual(200 * mib);
  expect(reserve.promisedBytes()).toBe(0);
});

test("so do those that promise nothing, and those that send more than they promised", async () => {
  const reserve = disk();
  const liar = storeBody({ uploads: folder } as StoragePaths, body(90), { expectedBytes: 1, reserve });
  const told = await outcomes([store(reserve, 90, false), store(reserve, 90, false), store(reserve, 90, false), liar]);
  expect(told).toContain("NO_SPACE");
  expect(written).toBeLessThanOrEqual(200 * mib);
  expect(reserve.promisedBytes()).toBe(0);
});

test("what is refused leaves no file, and its room goes to the next", async () => {
  const reserve = disk();
  await expect(store(reserve, 250)).rejects.toMatchObject({ code: "NO_SPACE" });
  await expect(store(reserve, 250, false)).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(readdirSync(folder)).toEqual([]);
  written = 0;
  await store(reserve, 199);
  expect(readdirSync(folder)).toHaveLength(1);
});

test("a full disk is told as such, with what is left", async () => {
  const reserve = createDiskReserve(async () => 90 * mib, 100 * mib);
  await expect(store(reserve, 1)).rejects.toMatchObject({
    problem: {
      message: "the disk is nearly full: 0 MiB are left for uploads",
      remedy: expect.stringContaining("free"),
    },
  });
});

test("a body over the cap is refused as too large, not as a full disk", async () => {
  const too = storeBody({ uploads: folder } as StoragePaths, body(3), { maxBytes: 2 * mib, reserve: disk() });
  await expect(too).rejects.toMatchObject({ code: "TOO_LARGE" });
});
