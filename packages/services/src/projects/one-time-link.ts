import { createHash, randomBytes } from "node:crypto";
import type { OneTimeLink } from "@anneal/contracts";
import type { ServiceContext } from "../context.ts";

const validMilliseconds = 7 * 24 * 3_600_000;

// 256 random bits need no slow hash and no secret: a stolen table does not lead back to them.
export const hashOfLink = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** What the link shows and what the table keeps. The secret stands behind #, so that no server's log has it. */
export function newLink(ctx: Pick<ServiceContext, "now">): { link: OneTimeLink; hash: string; expiresAt: Date } {
  const secret = randomBytes(32).toString("base64url");
  const expiresAt = new Date(ctx.now().getTime() + validMilliseconds);
  return {
    link: { path: `/invitation#${secret}`, expiresAt: expiresAt.toISOString() },
    hash: hashOfLink(secret),
    expiresAt,
  };
}
