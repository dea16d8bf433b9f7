import { z } from "zod";
import type { Server } from "../process.ts";

const Password = z.object({ password: z.string() });

/** Signs in who has just set the password of `input`: the answer carries the session, and marks the browser as known. */
export async function signInAnswer(server: Server, request: Request, email: string, input: unknown): Promise<Response> {
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
}
