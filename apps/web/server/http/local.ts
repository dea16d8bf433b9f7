import { timingSafeEqual } from "node:crypto";
import { ServiceError, say } from "@anneal/contracts";
import { system } from "@anneal/services";
import { hashPassword } from "better-auth/crypto";
import { readJson } from "./body.ts";
import { edge } from "./edge.ts";

/** POST {email?, password} with the key that only this machine's owner can read: a password that was forgotten. */
export const postLocalPassword = edge(async (request, server) => {
  const [, given = ""] = /^Local ([!-~]{1,200})$/.exec(request.headers.get("authorization") ?? "") ?? [];
  const [a, b] = [Buffer.from(given), Buffer.from(server.localKey)];
  if (a.length !== b.length || !timingSafeEqual(a, b))
    throw new ServiceError("UNAUTHENTICATED", say`only the owner of this machine's Anneal may do this`, {
      remedy: say`run ./anneal user password on the machine itself, as the user who runs Anneal`,
    });
  const answer = await system.resetPassword(server.services, await readJson(request, 64 * 1024), hashPassword);
  return Response.json(answer);
});
