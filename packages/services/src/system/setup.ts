import { createHash, randomBytes } from "node:crypto";
import { defaultProjectId, ServiceError, say } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { and, eq, gt, isNull, sql } from "drizzle-orm";
import { z } from "zod";
import { type ServiceContext, systemActor } from "../context.ts";
import { audit, parseInput } from "../verb.ts";

const { account, projectMembers, projects, setupTokens, user } = schema;
const validMilliseconds = 24 * 3_600_000;
// Two first administrators at once must not both get in.
const setupLock = 0x616e7374;

type Needs = Pick<ServiceContext, "db" | "now">;

// 256 random bits need no slow hash and no secret: a stolen table does not lead back to them.
const hashOf = (token: string) => createHash("sha256").update(token).digest("hex");

export async function needsSetup(ctx: Needs): Promise<boolean> {
  const [row] = await ctx.db.select({ id: user.id }).from(user).limit(1);
  return row === undefined;
}

/** A fresh one-time token for the first administrator; the ones before it no longer work. Null when there is one already. */
export async function issueSetupToken(ctx: Needs): Promise<string | null> {
  const token = randomBytes(32).toString("base64url");
  return ctx.db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${setupLock})`);
    const [someone] = await tx.select({ id: user.id }).from(user).limit(1);
    if (someone) return null;
    await tx.update(setupTokens).set({ usedAt: ctx.now() }).where(isNull(setupTokens.usedAt));
    const now = ctx.now();
    await tx
      .insert(setupTokens)
      .values({ hash: hashOf(token), createdAt: now, expiresAt: new Date(now.getTime() + validMilliseconds) });
    return token;
  });
}

export const SetupInput = z.object({
  token: z.string().min(1).max(200),
  name: z.string().trim().min(1, "must not be empty").max(80),
  email: z.email("must be an e-mail address (it is the name to sign in with; nothing is sent)").max(200),
  password: z.string().min(10, "must have at least 10 characters").max(128, "must have at most 128 characters"),
});

/** Makes the one administrator: the token is used up in the same transaction, so that a second try finds the door shut. */
export async function createFirstAdministrator(
  ctx: Needs,
  input: unknown,
  hashPassword: (password: string) => Promise<string>,
): Promise<{ userId: string; email: string }> {
  const { token, name, email: typed, password } = parseInput(SetupInput, input);
  const email = typed.toLowerCase();
  const refused = () =>
    new ServiceError("FORBIDDEN", say`token: the setup link is not valid, was used, or has expired`, {
      field: "token",
      remedy: say`restart Anneal: it prints a new link as long as there is no administrator`,
    });
  // Before the slow password hash, so that guessing costs the guesser more than the server; decided again below.
  const usable = and(
    eq(setupTokens.hash, hashOf(token)),
    isNull(setupTokens.usedAt),
    gt(setupTokens.expiresAt, ctx.now()),
  );
  const [known] = await ctx.db.select({ id: setupTokens.id }).from(setupTokens).where(usable);
  if (!known || !(await needsSetup(ctx))) throw refused();
  const passwordHash = await hashPassword(password);
  return ctx.db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${setupLock})`);
    const [someone] = await tx.select({ id: user.id }).from(user).limit(1);
    const used = await tx
      .update(setupTokens)
      .set({ usedAt: ctx.now() })
      .where(usable)
      .returning({ id: setupTokens.id });
    if (someone || used.length !== 1) throw refused();
    const userId = newId();
    await tx.insert(user).values({ id: userId, name, email, emailVerified: true, administrator: true });
    await tx
      .update(projects)
      .set({ ownerId: userId })
      .where(and(eq(projects.id, defaultProjectId), isNull(projects.ownerId)));
    await tx.insert(projectMembers).values({ projectId: defaultProjectId, userId, role: "admin" });
    await tx
      .insert(account)
      .values({ id: newId(), accountId: userId, providerId: "credential", userId, password: passwordHash });
    await audit(
      tx,
      { actor: { ...systemActor, id: "setup", name: "first-time setup" }, now: ctx.now },
      "user.create",
      userId,
      {
        email,
      },
    );
    return { userId, email };
  });
}
