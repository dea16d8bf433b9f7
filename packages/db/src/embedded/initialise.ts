import { spawn } from "node:child_process";
import { chown, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { folderName, passingFolder } from "./reach.ts";

/** The cluster's first role, which initdb makes. */
export const superuser = "anneal";

export interface Programs extends Binaries {
  account: Account;
}

function run(program: string, args: string[], account: Account, cwd: string): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      uid: account?.uid,
      gid: account?.gid,
      stdio: ["ignore", "pipe", "pipe"],
      cwd,
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", fail);
    child.on("close", (code) =>
      code === 0 ? done() : fail(new Error(`${program} ended with ${code}: ${output.trim().slice(-2000)}`)),
    );
  });
}

/** The folder appears under its name only when initdb has finished, so a start broken off half-way leaves nothing to trip over. */
export async function initialise(dataDir: string, { initdb, account }: Programs, password: string): Promise<void> {
  for (const name of await readdir(dirname(dataDir)))
    if (join(dirname(dataDir), name).startsWith(`${dataDir}.new-`))
      await rm(join(dirname(dataDir), name), { recursive: true, force: true });
  const fresh = `${dataDir}.new-${process.pid}`;
  const passing = await passingFolder();
  const passwordFile = join(passing, "password");
  try {
    await mkdir(fresh, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (account) for (const path of [fresh, passing, passwordFile]) await chown(path, account.uid, account.gid);
    await run(
      initdb,
      [
        `--pgdata=${await folderName(fresh, account)}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin", // the same order of texts on every machine
        "--builtin-locale=C.UTF-8",
        "--locale=C",
      ],
      account,
      fresh,
    );
  } finally {
    await rm(passing, { recursive: true, force: true });
  }
  await rename(fresh, dataDir);
}
