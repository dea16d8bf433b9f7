import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunDetail } from "@anneal/contracts";
import { createTestDatabase, type TestDatabase } from "@anneal/db/testing";
import { runs } from "@anneal/services";
import { afterEach, beforeEach, expect, test } from "vitest";
import { faultsOf } from "../../support/run-record.ts";
import { hasEnded, type Lab, openLab } from "../../support/worker-lab.ts";

// A disk of its own, small enough to fill: only root may mount it.
let disk = "";
let database: TestDatabase;
let lab: Lab;
beforeEach(async ({ skip }) => {
  disk = mkdtempSync(join(tmpdir(), "anneal-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=160m", "none", disk]).status === 0;
  if (!mounted) {
    rmSync(disk, { recursive: true });
    disk = "";
    skip("a disk of a few megabytes can only be mounted as root");
  }
  database = await createTestDatabase();
  lab = await openLab({ databaseUrl: database.url, home: disk });
});
afterEach(async () => {
  if (!disk) return;
  await lab.close();
  await database.drop();
  spawnSync("umount", ["-l", disk]);
  rmSync(disk, { recursive: true, force: true });
});

/** Takes all but `left` bytes of the disk. */
function fill(left: number): void {
  const handle = openSync(join(disk, "filler"), "w");
  const { bavail, bsize } = statfsSync(disk);
  let size = bavail * bsize - left;
  for (; size > 0; size -= 65_536) writeSync(handle, Buffer.alloc(Math.min(65_536, size)));
  closeSync(handle);
}
const makeRoom = () => rmSync(join(disk, "filler"));

const ended = hasEnded("succeeded", "failed", "cancelled");
const stopped = (run: RunDetail) => ended(run) || run.status === "paused";
const spec = {
  epochs: 8,
  evaluation: { heldOutFraction: 0.2, everySteps: 20, maxRows: 4, maxNewTokens: 4 },
  checkpoints: { everySteps: 10, keepLast: 2, keepBest: true },
};

// A journal line, a checkpoint, a shard or an export is what finds no room, as the bytes left will have it.
test.each([0, 20_000, 120_000, 600_000, 1_200_000])(
  "a disk with %i bytes left pauses the run, says how much is missing and where, and goes on when there is room",
  async (left) => {
    const { id } = await lab.createRun(spec);
    fill(left);
    lab.startWorker();
    const paused = await lab.until(id, "stopped", stopped, 120);
    if (left > 600_000 && paused.status === "succeeded") return; // it sufficed
    expect(paused).toMatchObject({
      status: "paused",
      problem: {
        code: "UNAVAILABLE",
        message: expect.stringMatching(/disk of .* is full: \d+ MiB are missing/),
        details: { code: "ENOSPC", folder: expect.stringContaining(disk), missingBytes: expect.any(Number) },
      },
    });
    expect(paused.attempts.filter(({ outcome }) => outcome !== "diskFull")).toEqual([]);
    expect(paused.attempts).toHaveLength(1); // paused at once, not tried again and again
    makeRoom();
    const run = await lab.until(id, "succeeded", ended, 120);
    expect(run).toMatchObject({ status: "succeeded", problem: null });
    expect(await faultsOf(lab.ctx, run, { steps: 80, evaluateEvery: 20 })).toEqual([]);
  },
);

test("whoever pauses such a run again keeps it paused; by hand it goes on", async () => {
  const { id } = await lab.createRun({ ...spec, maxSteps: 2 });
  fill(0);
  lab.startWorker();
  await lab.until(id, "paused", stopped, 120);
  expect(await runs.pause(lab.ctx, { runId: id })).toMatchObject({ status: "paused", problem: null });
  makeRoom();
  expect(await runs.execution.resumeWhereRoom(lab.ctx, "any")).toEqual([]);
  expect(readdirSync(disk)).not.toContain("filler");
  await runs.resume(lab.ctx, { runId: id });
  expect((await lab.until(id, "ended", ended, 120)).status).toBe("succeeded");
});
