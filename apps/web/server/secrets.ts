import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { chmodSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Secrets {
  /** Signs session cookies. */
  sessions: string;
  /** Marks browsers that signed in before. */
  devices: Buffer;
  hashToken(token: string): string;
}

const keyPattern = /^[0-9a-f]{64}$/;

function readKey(path: string): string | null {
  try {
    const key = readFileSync(path, "utf8").trim();
    if (!keyPattern.test(key))
      throw new Error(
        `${path} does not hold 64 hex digits; put the right file back, or remove it (all tokens end then)`,
      );
    chmodSync(path, 0o600);
    return key;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

// Two starters at once: link() lets exactly one key through, the other reads it.
function makeKey(path: string): string {
  const fresh = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(fresh, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    unlinkSync(fresh);
  }
  const key = readKey(path);
  if (!key) throw new Error(`${path} disappeared while it was made`);
  return key;
}

/** The server's one secret, made at first use, readable by its owner only; every purpose has a key of its own. */
export function openSecrets(home: string): Secrets {
  const folder = join(home, "secrets");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "server.key");
  const root = Buffer.from(readKey(path) ?? makeKey(path), "hex");
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", root, "", `anneal ${purpose}`, 32));
  const tokenKey = derive("api tokens");
  return {
    devices: derive("devices"),
    sessions: derive("sessions").toString("base64url"),
    hashToken: (token) => createHmac("sha256", tokenKey).update(token).digest("hex"),
  };
}
