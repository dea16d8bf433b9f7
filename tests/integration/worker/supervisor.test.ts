import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, sql } from "@anneal/db";
import { afterAll, expect, test } from "vitest";
import { isAlive } from "../../../apps/worker/src/process-alive.ts";
import { type RunningAnneal, startAnneal } from "../../../apps/worker/src/supervisor/start.ts";
import { workerBundle } from "../../support/worker-bundle.ts";

const home = mkdtempSync(join(tmpdir(), "anneal-supervisor-"));
let anneal: RunningAnneal | null = null;
afterAll(async () => {
  await anneal?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not ${what} after a minute`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("starts everything, starts again what is killed under the same address, and leaves nothing behind", async () => {
  const lines: string[] = [];
  anneal = await startAnneal({
    home,
    port: 1, // of the console, which is left out
    databaseUrl: null,
    web: false,
    workerEntry: workerBundle().worker,
    say: (line) => lines.push(line),
  });
  expect(anneal.setupLink).toMatch(/\/setup\?token=\S{40,}$/);
  const before = anneal.pids();
  const url = anneal.databaseUrl();
  const db = createDatabase(url, { maxConnections: 1 });
  const liveWorkers = async () => {
    const { rows } = await db.execute(sql`select pid from workers where stopped_at is null`);
    return rows.map(({ pid }) => pid);
  };
  await until("registered", async () => (await liveWorkers()).length === 1);

  const victims = [before.postgres, before.worker];
  expect(victims).not.toContain(null);
  for (const pid of victims) if (pid !== null) process.kill(pid, "SIGKILL");
  const running = anneal;
  await until("restarted", () => {
    const { worker, postgres } = running.pids();
    return worker !== null && worker !== before.worker && postgres !== before.postgres;
  });
  expect(running.databaseUrl()).toBe(url);
  const after = running.pids();
  // The killed worker's row is closed by its successor, which is on the same machine.
  await until("registered again", async () => {
    const live = await liveWorkers().catch(() => []);
    return live.length === 1 && live[0] === running.pids().worker;
  });
  await db.close();

  await anneal.stop();
  anneal = null;
  expect([after.postgres, running.pids().worker].filter((pid) => pid !== null && isAlive(pid))).toEqual([]);
  expect(lines.join("\n")).toContain("Postgres runs again");
});
