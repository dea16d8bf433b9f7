import { type Actor, ServiceError, say } from "@anneal/contracts";
import { type ServiceContext, systemActor, tokens } from "@anneal/services";
import type { Server } from "./process.ts";

const nobody: Actor = { kind: "user", id: "anonymous", name: "a visitor", permissions: ["public"] };

/** Who calls: an API token if one is sent (it must be good then), else the session of the cookie, else null. */
export async function identify(server: Server, headers: Headers): Promise<Actor | null> {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const [, token] = /^Bearer ([!-~]{1,200})$/i.exec(authorization) ?? [];
    const actor = token ? await tokens.authenticate(server.services, token) : null;
    if (actor) return actor;
    throw new ServiceError("UNAUTHENTICATED", say`the API token is unknown, revoked or expired`, {
      remedy: say`make a new one under Settings, and send it as Authorization: Bearer anl_...`,
    });
  }
  if (!headers.get("cookie")) return null;
  const session = await server.auth.api.getSession({ headers });
  if (!session) return null;
  // The first road knows one kind of person: the administrator.
  const { id, name } = session.user;
  return { kind: "user", id, name, permissions: systemActor.permissions };
}

export function contextFor(server: Server, actor: Actor | null, signal: AbortSignal): ServiceContext {
  return { ...server.services, actor: actor ?? nobody, signal };
}

/** For routes outside tRPC: a caller or a refusal. */
export async function requireActor(server: Server, headers: Headers): Promise<Actor> {
  const actor = await identify(server, headers);
  if (actor) return actor;
  throw new ServiceError("UNAUTHENTICATED", say`nobody is signed in`, {
    remedy: say`sign in, or send an API token as Authorization: Bearer anl_...`,
  });
}
