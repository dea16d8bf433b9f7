import { system } from "@anneal/services";
import { hashPassword } from "better-auth/crypto";
import { readJson } from "./body.ts";
import { edge } from "./edge.ts";
import { signInAnswer } from "./sign-in-answer.ts";

/** Is there an administrator yet? (The setup page asks before anyone can sign in.) */
export const getSetup = edge(async (_request, server) =>
  Response.json({ needed: await system.needsSetup(server.services) }),
);

/** POST {token, name, email, password}: makes the first administrator and signs in. */
export const postSetup = edge(async (request, server) => {
  server.limits.setup.take("");
  const input = await readJson(request, 64 * 1024);
  const { email } = await system.createFirstAdministrator(server.services, input, hashPassword);
  return signInAnswer(server, request, email, input);
});
