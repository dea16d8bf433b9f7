import { createHash } from "node:crypto";
import { ServiceError, say } from "@anneal/contracts";

/** SHA-256 of an object's bytes, as rows hold it: "sha256:" and 64 lower-case hex digits. */
export type Digest = string;

/** The hex digits; anything else is refused, so that nothing but a digest ever becomes a path or a key. */
export function hexOf(digest: Digest): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (!hex)
    throw new ServiceError("INVALID_INPUT", say`${JSON.stringify(digest).slice(0, 100)} is not a SHA-256 digest`, {
      field: "digest",
      remedy: say`name it as sha256: and 64 hex digits`,
    });
  return hex;
}

export const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
