import { schema } from "@anneal/db";
import { and, gt, inArray, isNull, or } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";

const { apiTokens, session } = schema;

/** What a request showed to be let in. */
export interface Credential {
  kind: "token" | "session";
  id: string;
}
export const credentialKey = ({ kind, id }: Credential) => `${kind} ${id}`;

/** Which of these still open something: neither revoked, signed out nor expired. By key, for many streams in two queries. */
export async function living(
  ctx: Pick<ServiceContext, "db" | "now">,
  credentials: readonly Credential[],
): Promise<Set<string>> {
  const idsOf = (kind: Credential["kind"]) => credentials.flatMap((one) => (one.kind === kind ? [one.id] : []));
  const [tokenIds, sessionIds] = [idsOf("token"), idsOf("session")];
  const now = ctx.now();
  const [tokens, sessions] = await Promise.all([
    tokenIds.length === 0
      ? []
      : ctx.db
          .select({ id: apiTokens.id })
          .from(apiTokens)
          .where(
            and(
              inArray(apiTokens.id, tokenIds),
              isNull(apiTokens.revokedAt),
              or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
            ),
          ),
    sessionIds.length === 0
      ? []
      : ctx.db
          .select({ id: session.id })
          .from(session)
          .where(and(inArray(session.id, sessionIds), gt(session.expiresAt, now))),
  ]);
  return new Set([
    ...tokens.map(({ id }) => credentialKey({ kind: "token", id })),
    ...sessions.map(({ id }) => credentialKey({ kind: "session", id })),
  ]);
}
