import { projects } from "@anneal/services";
import { hashPassword } from "better-auth/crypto";
import { z } from "zod";
import { findSession } from "../identify.ts";
import { readJson } from "./body.ts";
import { edge } from "./edge.ts";
import { signInAnswer } from "./sign-in-answer.ts";

const maxBytes = 64 * 1024;
const Kind = z.object({ join: z.literal(true) });

/** PUT {secret}: what a one-time link is for. By PUT, so that the secret stands in no address. */
export const putInvitation = edge(async (request, server) => {
  server.limits.setup.take("");
  return Response.json(await projects.describeLink(server.services, await readJson(request, maxBytes)));
});

/** POST: {secret, join: true} of somebody signed in; {secret, name, email, password} of a newcomer; {secret, password} for a new password. */
export const postInvitation = edge(async (request, server) => {
  server.limits.setup.take("");
  const input = await readJson(request, maxBytes);
  if (Kind.safeParse(input).success) {
    const session = await findSession(server, request.headers);
    if (session) {
      await projects.joinSignedIn(server.services, input, session.user.id);
      return Response.json({ email: session.user.email });
    }
  }
  const { email } = await projects.acceptLink(server.services, input, hashPassword);
  return signInAnswer(server, request, email, input);
});
