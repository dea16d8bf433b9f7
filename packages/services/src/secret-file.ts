import { randomBytes } from "node:crypto";
import { chmodSync, linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";

/** 256 bits as 64 hex digits from a file that only its owner may read; null where there is none. `remedy`: what to do with a wrong one. */
export function readSecretFile(path: string, remedy: string): string | null {
  try {
    const text = readFileSync(path, "utf8").trim();
    if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${path} does not hold 64 hex digits; ${remedy}`);
    chmodSync(path, 0o600);
    return text;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Makes the file and answers what it holds. Of starters at once link() lets exactly one through, and all read that one's. */
export function writeSecretFile(path: string, text: string, remedy: string): string {
  const fresh = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(fresh, `${text}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    unlinkSync(fresh);
  }
  const held = readSecretFile(path, remedy);
  if (!held) throw new Error(`${path} disappeared while it was made`);
  return held;
}
