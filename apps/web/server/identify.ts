import { type Actor, defaultProjectId, ServiceError, say } from "@anneal/contracts";
import { sql } from "@anneal/db";
import { type ServiceContext, systemActor, tokens } from "@anneal/services";
import type { Server } from "./process.ts";

export const nobody: Actor = { kind: "user", id: "anonymous", name: "a visitor", permissions: ["public"] };

export interface Caller {
  actor: Actor;
  credential: tokens.Credential;
}

/** The session of a cookie, if it is one of ours. */
export async function findSession(server: Server, headers: Headers) {
  try {
    return await server.auth.api.getSession({ headers });
  } catch (error) {
    await requireDatabase(server); // the library hides why it could not look
    throw error;
  }
}

/** Throws the database's own trouble, if it has any. */
export async function requireDatabase(server: Server): Promise<void> {
  await server.db.execute(sql`select 1`);
}

/** Who calls: an API token if one is sent (it must be good then), else the session of the cookie, else null. */
export async function identify(server: Server, headers: Headers): Promise<Caller | null> {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const [, token] = /^Bearer ([!-~]{1,200})$/i.exec(authorization) ?? [];
    const actor = token ? await tokens.authenticate(server.services, token) : null;
    if (actor) return { actor, credential: { kind: "token", id: actor.id } };
    throw new ServiceError("UNAUTHENTICATED", say`the API token is unknown, revoked or expired`, {
      remedy: say`make a new one under Settings, and send it as Authorization: Bearer anl_...`,
    });
  }
  if (!headers.get("cookie")) return null;
  const found = await findSession(server, headers);
  if (!found) return null;
  // The first road knows one kind of person: the administrator.
  const { id, name } = found.user;
  return {
    actor: { kind: "user", id, name, permissions: systemActor.permissions },
    credential: { kind: "session", id: found.session.id },
  };
}

export function contextFor(server: Server, actor: Actor | null, signal: AbortSignal): ServiceContext {
  const projectId = defaultProjectId;
  return { ...server.services, db: server.db.inProject(projectId), projectId, actor: actor ?? nobody, signal };
}

/** For routes outside tRPC: a caller or a refusal. */
export async function requireCaller(server: Server, headers: Headers): Promise<Caller> {
  const caller = await identify(server, headers);
  if (caller) return caller;
  throw new ServiceError("UNAUTHENTICATED", say`nobody is signed in`, {
    remedy: say`sign in, or send an API token as Authorization: Bearer anl_...`,
  });
}
