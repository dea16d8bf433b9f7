import { type Actor, defaultProjectId, permissionsOf, ServiceError, say } from "@anneal/contracts";
import { sql } from "@anneal/db";
import { projects, type ServiceContext, tokens, users } from "@anneal/services";
import type { Server } from "./process.ts";
import { chosenProject, type ProjectChoice } from "./project-choice.ts";

export const nobody: Actor = { kind: "user", id: "anonymous", name: "a visitor", permissions: ["public"] };

export interface Caller {
  actor: Actor;
  /** Null: an account that is a member of no project. */
  projectId: string | null;
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

type Asker = Pick<Request, "headers" | "url">;
interface Person {
  id: string;
  administrator: boolean;
}

const noProject = (name: string) =>
  new ServiceError("NOT_FOUND", say`project: there is no project ${name.slice(0, 100)} that you may work in`, {
    field: "project",
    remedy: say`list the projects and choose one`,
  });

/** The project that the caller works in: the chosen one among those that are open, else the oldest of the caller's own. */
async function place(server: Server, person: Person | null, choice: ProjectChoice | null) {
  const all = await projects.accessOf(server.services, person?.id ?? "");
  const machine = person === null; // the command line of this machine
  const open = all.filter(({ role }) => machine || person.administrator || role !== null);
  const chosen = choice && open.find(({ projectId, name }) => projectId === choice.name || name === choice.name);
  if (choice?.firm && !chosen) throw noProject(choice.name);
  return (
    chosen ||
    open.find(({ projectId, role }) => projectId === defaultProjectId && (machine || role !== null)) ||
    open.find(({ role }) => role !== null) ||
    open[0] ||
    null
  );
}

async function byToken(server: Server, token: string | undefined, choice: ProjectChoice | null): Promise<Caller> {
  const known = token ? await tokens.authenticate(server.services, token) : null;
  if (!known)
    throw new ServiceError("UNAUTHENTICATED", say`the API token is unknown, revoked or expired`, {
      remedy: say`make a new one under Settings, and send it as Authorization: Bearer anl_...`,
    });
  const { actor, owner } = known;
  // A token of a project opens that one alone; naming another is told, not passed over.
  const wanted = known.projectId ? { name: known.projectId, firm: true } : choice?.firm ? choice : null;
  const found = await place(server, owner, wanted);
  if (known.projectId && choice?.firm && choice.name !== found?.projectId && choice.name !== found?.name)
    throw noProject(choice.name);
  // Never more than its owner may do now.
  const able = owner ? permissionsOf({ role: found?.role ?? null, administrator: owner.administrator }) : null;
  const permissions = able ? actor.permissions.filter((one) => able.includes(one)) : actor.permissions;
  const projectId = found?.projectId ?? null;
  return {
    actor: { ...actor, permissions },
    projectId,
    credential: { kind: "token", id: actor.id, userId: owner?.id ?? null, projectId },
  };
}

async function bySession(server: Server, headers: Headers, choice: ProjectChoice | null): Promise<Caller | null> {
  const session = await findSession(server, headers);
  if (!session) return null;
  const person = await users.find(server.services, session.user.id);
  if (!person || person.disabledAt) return null;
  const found = await place(server, person, choice);
  const permissions = permissionsOf({ role: found?.role ?? null, administrator: person.administrator });
  const projectId = found?.projectId ?? null;
  return {
    actor: { kind: "user", id: person.id, name: person.name, permissions, userId: person.id },
    projectId,
    credential: { kind: "session", id: session.session.id, userId: person.id, projectId },
  };
}

/** Who calls, and where: an API token if one is sent (it must be good then), else the session of the cookie, else null. */
export async function identify(server: Server, request: Asker): Promise<Caller | null> {
  const choice = chosenProject(request);
  const authorization = request.headers.get("authorization");
  if (authorization !== null) {
    const [, token] = /^Bearer ([!-~]{1,200})$/i.exec(authorization) ?? [];
    return byToken(server, token, choice);
  }
  return request.headers.get("cookie") ? bySession(server, request.headers, choice) : null;
}

// Where nobody works in a project, no row of any is seen.
const noProjectId = "00000000-0000-0000-0000-000000000000";

/** The services' context of a caller: its connections see the one project. */
export function contextFor(
  server: Server,
  caller: Pick<Caller, "actor" | "projectId"> | null,
  signal: AbortSignal,
): ServiceContext {
  const projectId = caller?.projectId ?? null;
  const db = server.db.inProject(projectId ?? noProjectId);
  return { ...server.services, db, projectId, actor: caller?.actor ?? nobody, signal };
}

export const signedOut = () =>
  new ServiceError("UNAUTHENTICATED", say`nobody is signed in`, {
    remedy: say`sign in, or send an API token as Authorization: Bearer anl_...`,
  });

/** For routes outside tRPC: a caller or a refusal. */
export async function requireCaller(server: Server, request: Asker): Promise<Caller> {
  const caller = await identify(server, request);
  if (caller) return caller;
  throw signedOut();
}
