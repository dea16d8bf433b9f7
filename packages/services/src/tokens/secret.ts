import { randomBytes } from "node:crypto";
import { ServiceError, say } from "@anneal/contracts";
import type { ServiceContext } from "../context.ts";

// A prefix that secret scanners can find, then 256 random bits.
const prefix = "anl_";
const shownCharacters = 12;
export const tokenPattern = /^anl_[A-Za-z0-9_-]{43}$/;

export function newToken(): { token: string; shown: string } {
  const token = prefix + randomBytes(32).toString("base64url");
  return { token, shown: token.slice(0, shownCharacters) };
}

/** Tables hold only this; without the server's secret a stolen table opens nothing. */
export function hashOf(ctx: Pick<ServiceContext, "hashToken">, token: string): string {
  if (!ctx.hashToken)
    throw new ServiceError("UNAVAILABLE", say`this process holds no secret for API tokens`, {
      remedy: say`make API tokens through the console or its API`,
    });
  return ctx.hashToken(token);
}
