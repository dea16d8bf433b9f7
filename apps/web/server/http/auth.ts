import { type Actor, ServiceError, say } from "@anneal/contracts";
import { system } from "@anneal/services";
import { z } from "zod";
import { findSession, nobody, requireDatabase } from "../identify.ts";
import { peerOf } from "../peer.ts";
import type { Server } from "../process.ts";
import { capBody, readJson } from "./body.ts";
import { edge } from "./edge.ts";

const maxBodyBytes = 64 * 1024;
const Named = z.object({ email: z.string().max(320) });

async function answer(server: Server, request: Request): Promise<Response> {
  const response = await server.auth.handler(request);
  if (response.status >= 500) await requireDatabase(server); // the library hides that the database is away
  return response;
}

const withBody = (request: Request, body: unknown) =>
  new Request(request.url, {
    method: "POST",
    headers: request.headers,
    body: JSON.stringify(body),
    signal: request.signal,
  });

// One form only: what is read here to count the tries is what the library reads.
function requireJson(request: Request): void {
  if (/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) return;
  throw new ServiceError("INVALID_INPUT", say`the request's body is not JSON`, {
    field: "content-type",
    remedy: say`send a JSON object`,
  });
}

async function signIn(request: Request, server: Server): Promise<Response> {
  requireJson(request);
  const body = await readJson(request, maxBodyBytes);
  const parsed = Named.safeParse(body);
  const email = parsed.success ? parsed.data.email.trim().toLowerCase() : "";
  const address = peerOf(request.headers);
  const device = server.devices.of(request.headers, email);
  const clear = server.limits.takeSignIn({ email, address, device });
  const response = await answer(server, withBody(request, body));
  const ctx = { ...server.services, actor: nobody };
  if (!response.ok) {
    server.log.warn({ email, address }, "a sign-in was refused");
    await system.recordAccess(ctx, "session.refuse", email, { address });
    return response;
  }
  clear();
  const signedIn = z
    .object({ user: z.object({ id: z.string(), name: z.string() }) })
    .safeParse(await response.clone().json());
  const actor: Actor = signedIn.success ? { ...nobody, ...signedIn.data.user } : nobody;
  await system.recordAccess({ ...ctx, actor }, "session.start", actor.id, { email, address });
  const answered = new Response(response.body, response);
  answered.headers.append("set-cookie", server.devices.cookie(email));
  return answered;
}

// What is told of a signed-in person, by the path's end.
const actions: Readonly<Record<string, system.AccessAction>> = {
  "sign-out": "session.end",
  "change-password": "user.password",
  "update-user": "user.update",
};
// Those that say whether a password is right.
const guessable = new Set(["change-password", "verify-password"]);

async function asPerson(request: Request, server: Server, path: string): Promise<Response> {
  const found = await findSession(server, request.headers);
  if (!found) return answer(server, capBody(request, maxBodyBytes));
  const { id, name } = found.user;
  let passed: Request;
  if (guessable.has(path)) {
    requireJson(request);
    server.limits.password.take(id);
    const body = z
      .record(z.string(), z.unknown())
      .catch({})
      .parse(await readJson(request, maxBodyBytes));
    // Whoever knows the old password must be out when it was changed because of that.
    passed = withBody(request, path === "change-password" ? { ...body, revokeOtherSessions: true } : body);
  } else passed = capBody(request, maxBodyBytes);
  const response = await answer(server, passed);
  const address = peerOf(request.headers);
  if (response.ok) {
    if (guessable.has(path)) server.limits.password.clear(id);
    const action = actions[path];
    const actor: Actor = { ...nobody, id, name };
    if (action)
      await system.recordAccess({ ...server.services, actor }, action, id, { email: found.user.email, address });
  } else if (guessable.has(path)) server.log.warn({ user: id, address }, "a wrong password was given in a session");
  return response;
}

export const handleAuth = edge(async (request, server) => {
  if (request.method !== "POST") return answer(server, request);
  const path = new URL(request.url).pathname.replace(/\/+$/, "");
  if (path.endsWith("/sign-in/email")) return signIn(request, server);
  return asPerson(request, server, path.split("/").at(-1) ?? "");
});
