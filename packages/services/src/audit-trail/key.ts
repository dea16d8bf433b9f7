import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The chain's key and its mark of having begun: in the home, where no database client can reach them. */
export interface AuditKey {
  key: Buffer;
  /** The genesis that this home's chain began with; null: not begun. */
  begun(): string | null;
  markBegun(mac: string): void;
}

function readHex(path: string): string | null {
  try {
    const text = readFileSync(path, "utf8").trim();
    if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${path} does not hold 64 hex digits; put the right file back`);
    chmodSync(path, 0o600);
    return text;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

// Of starters at once link() lets exactly one through, and all read that one's.
function writeOnce(path: string, text: string): string {
  const fresh = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(fresh, `${text}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    unlinkSync(fresh);
  }
  return readHex(path) ?? text;
}

function readAuditKey(home: string, make: boolean): AuditKey | null {
  const folder = join(home, "secrets");
  const [keyFile, genesisFile] = [join(folder, "audit.key"), join(folder, "audit.genesis")];
  if (make) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = readHex(keyFile) ?? (make ? writeOnce(keyFile, randomBytes(32).toString("hex")) : null);
  if (!key) return null;
  return {
    key: Buffer.from(key, "hex"),
    begun: () => readHex(genesisFile),
    markBegun: (mac) => void writeOnce(genesisFile, mac),
  };
}

interface Held {
  home: string;
  known: AuditKey | null;
}
// A bundler may give parts of a process their own copy of this module; the process has one key.
const place = Symbol.for("anneal.audit.key");
const holder = globalThis as { [place]?: Held };

/**
 * From now on this process signs what it writes into the trail. The console makes the key; a worker of the same home finds it there,
 * and must not make one of its own: two keys would be two chains.
 */
export function openAuditKey(home: string, { make }: { make: boolean }): void {
  holder[place] = { home, known: readAuditKey(home, make) };
}

export function auditKey(): AuditKey | null {
  const held = holder[place];
  if (!held) return null;
  held.known ??= readAuditKey(held.home, false);
  return held.known;
}
