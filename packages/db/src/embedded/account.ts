import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whom Postgres runs as; it refuses to run as root. Null: as we are. */
export type Account = { uid: number; gid: number } | null;

function lookUp(name: string): Account {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** As root: the user postgres (made when missing), else nobody. */
export function chooseAccount(): Account {
  if (process.getuid?.() !== 0) return null;
  let account = lookUp("postgres");
  if (!account) {
    spawnSync("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"]);
    account = lookUp("postgres") ?? lookUp("nobody");
  }
  if (!account) throw new Error("Postgres does not run as root, and there is no user postgres. Run: useradd postgres");
  return account;
}
