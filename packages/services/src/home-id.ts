import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const known = new Map<string, string>();

/** What a home is known by, wherever it is mounted: runs are carried on only where their folders are. Made at the first ask. */
export function homeId(home: string): string {
  const before = known.get(home);
  if (before) return before;
  const path = join(home, "home-id");
  const id = read(path) ?? make(home, path);
  known.set(home, id);
  return id;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

// Written whole under another name, then linked: of console and worker starting at once, one makes it and both read it.
function make(home: string, path: string): string {
  mkdirSync(home, { recursive: true });
  const fresh = `${path}.${process.pid}.tmp`;
  writeFileSync(fresh, `${randomUUID()}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
  const id = read(path);
  if (!id) throw new Error(`${path} is empty; remove it`);
  return id;
}
