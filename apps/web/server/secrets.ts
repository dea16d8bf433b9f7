import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readSecretFile, writeSecretFile } from "@anneal/services";

export interface Secrets {
  /** Signs session cookies. */
  sessions: string;
  /** Marks browsers that signed in before. */
  devices: Buffer;
  hashToken(token: string): string;
}

const remedy = "put the right file back, or remove it (all tokens end then)";

/** The server's one secret, made at first use, readable by its owner only; every purpose has a key of its own. */
export function openSecrets(home: string): Secrets {
  const folder = join(home, "secrets");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "server.key");
  const root = Buffer.from(
    readSecretFile(path, remedy) ?? writeSecretFile(path, randomBytes(32).toString("hex"), remedy),
    "hex",
  );
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", root, "", `anneal ${purpose}`, 32));
  const tokenKey = derive("api tokens");
  return {
    devices: derive("devices"),
    sessions: derive("sessions").toString("base64url"),
    hashToken: (token) => createHmac("sha256", tokenKey).update(token).digest("hex"),
  };
}
