import { type Actor, isWellFormedText } from "@anneal/contracts";
import type { ServiceContext } from "../context.ts";
import { audit } from "../verb.ts";

export type AccessAction =
  | "session.start"
  | "session.refuse"
  | "session.end"
  | "user.password"
  | "user.password.reset"
  | "user.update"
  | "artifact.download";

const mostCharacters = 320;
// What a visitor typed may be anything; the trail keeps what Postgres can hold.
const kept = (text: string) => (isWellFormedText(text) ? text.slice(0, mostCharacters) : "(not a text)");

/** One row of the audit trail about who came in, from where, and what was taken along. */
export async function recordAccess(
  ctx: Pick<ServiceContext, "db" | "now"> & { actor: Actor; projectId?: string | null },
  action: AccessAction,
  subject: string,
  details: Record<string, string | number>,
): Promise<void> {
  const texts = Object.entries(details).map(([name, value]) => [name, typeof value === "string" ? kept(value) : value]);
  await ctx.db.transaction((tx) => audit(tx, ctx, action, kept(subject), Object.fromEntries(texts)));
}
