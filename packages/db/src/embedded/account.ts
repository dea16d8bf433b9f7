import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** How to start a program of Postgres, which refuses to run as root. */
export interface Account {
  uid: number | null; // null: as we are
  gid: number | null;
  /** Words before the program: setpriv, where the account must reach below folders that are closed to it. */
  prefix: string[];
}

function lookUp(name: string): { uid: number; gid: number } | null {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

// A folder on the way that others may not enter shuts the account out, whatever the mode of what lies below.
async function isReachable(path: string): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** As root: the user postgres (made when missing), else nobody. `paths` must be reachable for it. */
export async function chooseAccount(paths: string[]): Promise<Account> {
  if (process.getuid?.() !== 0) return { uid: null, gid: null, prefix: [] };
  let ids = lookUp("postgres");
  if (!ids) {
    spawnSync("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"]);
    ids = lookUp("postgres") ?? lookUp("nobody");
  }
  if (!ids) throw new Error("Postgres does not run as root, and there is no user postgres. Run: useradd postgres");
  const reachable = await Promise.all(paths.map(isReachable));
  if (reachable.every(Boolean)) return { ...ids, prefix: [] };

  const closed = paths[reachable.indexOf(false)];
  const prefix = [
    "setpriv",
    `--reuid=${ids.uid}`,
    `--regid=${ids.gid}`,
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    // access(2), by which initdb looks for its programs, ignores the capabilities of a plain user without it.
    "--securebits=+no_setuid_fixup",
  ];
  if (spawnSync("setpriv", [...prefix.slice(1), "true"]).status !== 0)
    throw new Error(
      `the user postgres cannot reach ${closed}: a folder above it is closed to other users. Open it (chmod o+x), set ANNEAL_HOME elsewhere, or set DATABASE_URL.`,
    );
  return { uid: null, gid: null, prefix };
}

export const accountIds = (account: Account): { uid: number; gid: number } | null => {
  if (account.uid !== null && account.gid !== null) return { uid: account.uid, gid: account.gid };
  const [, reuid, regid] = account.prefix;
  return reuid && regid ? { uid: Number(reuid.split("=")[1]), gid: Number(regid.split("=")[1]) } : null;
};
