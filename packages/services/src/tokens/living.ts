import { schema } from "@anneal/db";
import { and, eq, gt, inArray, isNull, or } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { apiTokens, projectMembers, projects, session, user } = schema;

/** What a request showed to be let in, for whom, and into which project. */
export interface Credential {
  kind: "token" | "session";
  id: string;
  userId: string | null;
  projectId: string | null;
}
export const credentialKey = ({ kind, id, projectId }: Credential) => `${kind} ${id} ${projectId}`;

type Needs = Pick<ServiceContext, "db" | "now">;
const notDisabled = isNull(user.disabledAt);

/** The tokens and sessions that are neither revoked, signed out nor expired, of accounts that are not disabled. */
async function open(ctx: Needs, credentials: readonly Credential[]): Promise<Set<string>> {
  const idsOf = (kind: Credential["kind"]) => credentials.flatMap((one) => (one.kind === kind ? [one.id] : []));
  const now = ctx.now();
  const [tokens, sessions] = await Promise.all([
    ctx.db
      .select({ id: apiTokens.id })
      .from(apiTokens)
      .leftJoin(user, eq(user.id, apiTokens.ownerId))
      .where(
        and(
          inArray(apiTokens.id, idsOf("token")),
          isNull(apiTokens.revokedAt),
          or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
          notDisabled,
        ),
      ),
    ctx.db
      .select({ id: session.id })
      .from(session)
      .innerJoin(user, eq(user.id, session.userId))
      .where(and(inArray(session.id, idsOf("session")), gt(session.expiresAt, now), notDisabled)),
  ]);
  return new Set([...tokens, ...sessions].map(({ id }) => id));
}

/** "person project" of those who still belong there. */
async function belonging(ctx: Needs, credentials: readonly Credential[]): Promise<(one: Credential) => boolean> {
  const userIds = [...new Set(credentials.flatMap(({ userId }) => (userId ? [userId] : [])))];
  const [members, owned, administrators] = await Promise.all([
    ctx.db.select().from(projectMembers).where(inArray(projectMembers.userId, userIds)),
    ctx.db.select().from(projects).where(inArray(projects.ownerId, userIds)),
    ctx.db
      .select({ id: user.id })
      .from(user)
      .where(and(inArray(user.id, userIds), eq(user.administrator, true))),
  ]);
  const places = new Set([
    ...members.map(({ userId, projectId }) => `${userId} ${projectId}`),
    ...owned.map(({ ownerId, id }) => `${ownerId} ${id}`),
  ]);
  const all = new Set(administrators.map(({ id }) => id));
  return ({ userId, projectId }) => !userId || !projectId || all.has(userId) || places.has(`${userId} ${projectId}`);
}

/** Which of these still open what they were let into. By key, for many streams in a few queries. */
export async function living(ctx: Needs, credentials: readonly Credential[]): Promise<Set<string>> {
  const [opening, belongs] = await Promise.all([open(ctx, credentials), belonging(ctx, credentials)]);
  return new Set(credentials.filter((one) => opening.has(one.id) && belongs(one)).map(credentialKey));
}
