import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readSecretFile, writeSecretFile } from "../secret-file.ts";

/** The chain's key and its mark of having begun: in the home, where no database client can reach them. */
export interface AuditKey {
  key: Buffer;
  /** The genesis that this home's chain began with; null: not begun. */
  begun(): string | null;
  markBegun(mac: string): void;
}

const remedy = "put the right file back";

function readAuditKey(home: string, make: boolean): AuditKey | null {
  const folder = join(home, "secrets");
  const [keyFile, genesisFile] = [join(folder, "audit.key"), join(folder, "audit.genesis")];
  if (make) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key =
    readSecretFile(keyFile, remedy) ??
    (make ? writeSecretFile(keyFile, randomBytes(32).toString("hex"), remedy) : null);
  if (!key) return null;
  return {
    key: Buffer.from(key, "hex"),
    begun: () => readSecretFile(genesisFile, remedy),
    markBegun: (mac) => void writeSecretFile(genesisFile, mac, remedy),
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
