import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isAlive } from "../../../apps/worker/src/process-alive.ts";
import { type RunningAnneal, startAnneal } from "../../../apps/worker/src/supervisor/start.ts";
import { repoRoot } from "../../support/paths.ts";
import { workerBundle } from "../../support/worker-bundle.ts";

const folder = mkdtempSync(join(tmpdir(), "anneal-second-"));
const home = join(folder, "home");
const pidFile = join(home, "anneal.pid.json");
const { supervisor, worker } = workerBundle();
let first: RunningAnneal;
let otherCheckout: string;

const open = () =>
  startAnneal({ home, port: 1, databaseUrl: null, web: false, workerEntry: worker, postgresSettings: ["fsync=off"] });

beforeAll(async () => {
  mkdirSync(home, { mode: 0o700 });
  symlinkSync(home, join(folder, "linked-home"));
  symlinkSync(dirname(supervisor), join(folder, "linked-bundle"));
  // Another checkout: the same programs under another folder, whose packages are found as npm's links would.
  otherCheckout = mkdtempSync(join(repoRoot, "node_modules/.cache/anneal-other-"));
  cpSync(dirname(supervisor), otherCheckout, { recursive: true });
  first = await open();
});
afterAll(async () => {
  await first?.stop();
  rmSync(folder, { recursive: true, force: true });
  rmSync(otherCheckout, { recursive: true, force: true });
});

interface Way {
  program?: string;
  home?: string;
  cwd?: string;
  env?: Record<string, string>;
  /** What happens to the home before the second start. */
  before?: () => void;
}

function startAgain(way: Way): Promise<{ code: number | null; text: string }> {
  way.before?.();
  const child = spawn(process.execPath, [way.program ?? supervisor], {
    cwd: way.cwd ?? repoRoot,
    env: { ...process.env, ANNEAL_HOME: way.home ?? home, ANNEAL_PORT: "2", ...way.env },
  });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  child.stderr.on("data", (chunk) => (text += chunk));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
}

const pidFileWith = (supervisorPid: number, marker: string) => () =>
  writeFileSync(
    pidFile,
    JSON.stringify({ supervisor: { pid: supervisorPid, marker }, url: "http://127.0.0.1:1", children: [] }),
  );

const ways: Record<string, () => Way> = {
  "by its absolute path": () => ({}),
  "by a relative path": () => ({ program: relative(repoRoot, supervisor) }),
  "from another folder": () => ({ cwd: folder, program: relative(folder, supervisor) }),
  "by a linked checkout": () => ({ program: join(folder, "linked-bundle", "supervisor.mjs") }),
  "from another checkout": () => ({ program: join(otherCheckout, "supervisor.mjs") }),
  "with the home by a link": () => ({ home: join(folder, "linked-home") }),
  "with the home by a relative path": () => ({ home: relative(folder, home), cwd: folder }),
  "with another port": () => ({ env: { ANNEAL_PORT: "3999" } }),
  "with another database": () => ({ env: { DATABASE_URL: "postgres://nobody@127.0.0.1:9/none" } }),
  "with a pid file of a process that is gone": () => ({ before: pidFileWith(2 ** 22 + 1, supervisor) }),
  "with a pid file whose number is another process's": () => ({ before: pidFileWith(1, "init") }),
  "with a pid file that is not JSON": () => ({ before: () => writeFileSync(pidFile, "{ half") }),
  "with an empty pid file": () => ({ before: () => writeFileSync(pidFile, "") }),
  "without a pid file": () => ({ before: () => rmSync(pidFile) }),
  "with Postgres' start lock emptied": () => ({ before: () => writeFileSync(join(home, "postgres.lock"), "") }),
  "with every lock file removed": () => ({
    before: () => {
      rmSync(join(home, "postgres.lock"), { force: true });
      rmSync(join(home, "anneal.lock"), { force: true });
    },
  }),
};

test.each(Object.keys(ways))("a second start %s is refused, and the first one goes on", async (name) => {
  const before = first.pids();
  const { code, text } = await startAgain(ways[name]?.() ?? {});
  expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining("Anneal already runs for") });
  expect(first.pids()).toEqual(before);
  expect(before.worker !== null && isAlive(before.worker) && before.postgres !== null && isAlive(before.postgres)).toBe(
    true,
  );
});

test("two at the same moment are both refused", async () => {
  const both = await Promise.all([startAgain({}), startAgain({ home: join(folder, "linked-home") })]);
  expect(both.map(({ code }) => code)).toEqual([1, 1]);
});

test("when the first has ended, by itself or killed, the next starts (negative control)", async () => {
  await first.stop();
  first = await open();
  expect(first.pids().worker).not.toBeNull();
  expect(JSON.parse(readFileSync(pidFile, "utf8"))).toMatchObject({ supervisor: { pid: process.pid } });
});
