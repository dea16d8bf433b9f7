import { system } from "@anneal/services";
import { hashPassword } from "better-auth/crypto";
import { z } from "zod";
import { readJson } from "./body.ts";
import { edge } from "./edge.ts";

const Password = z.object({ password: z.string() });

/** Is there an administrator yet? (The setup page asks before anyone can sign in.) */
export const getSetup = edge(async (_request, server) =>
  Response.json({ needed: await system.needsSetup(server.services) }),
);

/** POST {token, name, email, password}: makes the first administrator and signs in. */
export const postSetup = edge(async (request, server) => {
  server.limits.setup.take("");
  const input = await readJson(request, 64 * 1024);
  const { email } = await system.createFirstAdministrator(server.services, input, hashPassword);
  const { password } = Password.parse(input);
  const signedIn = await server.auth.api.signInEmail({
    body: { email, password },
    headers: request.headers,
    asResponse: true,
  });
  const answer = Response.json({ email });
  for (const cookie of signedIn.headers.getSetCookie()) answer.headers.append("set-cookie", cookie);
  answer.headers.append("set-cookie", server.devices.cookie(email));
  return answer;
});
