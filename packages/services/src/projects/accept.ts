import { type ProjectRole, ServiceError, say, wellFormedText } from "@anneal/contracts";
import { newId, schema, type Transaction } from "@anneal/db";
import { and, eq, gt, isNull } from "drizzle-orm";
import { z } from "zod";
import { type ServiceContext, systemActor } from "../context.ts";
import { audit, parseInput } from "../verb.ts";
import { hashOfLink } from "./one-time-link.ts";

const { account, invitations, projectMembers, projects, session, user } = schema;
type Needs = Pick<ServiceContext, "db" | "now">;
type Row = typeof invitations.$inferSelect;

const Secret = z.string().min(1).max(200);
const Password = wellFormedText()
  .min(10, "must have at least 10 characters")
  .max(128, "must have at most 128 characters");
const Reset = z.object({ secret: Secret, password: Password });
const Join = Reset.extend({
  name: z.string().trim().min(1, "must not be empty").max(80),
  email: z.email("must be an e-mail address (it is the name to sign in with; nothing is sent)").max(200),
});

const refused = () =>
  new ServiceError("FORBIDDEN", say`the link is not valid, was used, or has expired`, {
    field: "secret",
    remedy: say`ask for a new one`,
  });

async function usable(db: Pick<ServiceContext["db"], "select">, now: Date, secret: string): Promise<Row> {
  const [row] = await db
    .select()
    .from(invitations)
    .where(and(eq(invitations.hash, hashOfLink(secret)), isNull(invitations.usedAt), gt(invitations.expiresAt, now)));
  if (!row) throw refused();
  return row;
}

async function use(tx: Transaction, ctx: Needs, { id }: Row): Promise<void> {
  const used = await tx
    .update(invitations)
    .set({ usedAt: ctx.now() })
    .where(and(eq(invitations.id, id), isNull(invitations.usedAt)))
    .returning({ id: invitations.id });
  if (used.length !== 1) throw refused();
}

export interface LinkFacts {
  kind: "join" | "reset";
  project: string | null;
  role: ProjectRole | null;
  email: string | null;
}

/** What a link is for, to whoever has it. The context sees every project: who comes by a link is in none yet. */
export async function describeLink(ctx: Needs, input: unknown): Promise<LinkFacts> {
  const { secret } = parseInput(z.object({ secret: Secret }), input);
  const row = await usable(ctx.db, ctx.now(), secret);
  const [project] = row.projectId ? await ctx.db.select().from(projects).where(eq(projects.id, row.projectId)) : [];
  const [person] = row.userId ? await ctx.db.select().from(user).where(eq(user.id, row.userId)) : [];
  return {
    kind: row.userId ? "reset" : "join",
    project: project?.name ?? null,
    role: row.role,
    email: person?.email ?? row.email,
  };
}

async function enter(tx: Transaction, ctx: Needs, row: Row, person: { id: string; name: string; email: string }) {
  const { projectId, role } = row;
  if (!projectId || !role) throw refused();
  // A member of old keeps the role that is there.
  await tx
    .insert(projectMembers)
    .values({ projectId, userId: person.id, role, createdAt: ctx.now() })
    .onConflictDoNothing();
  const actor = { ...systemActor, kind: "user" as const, id: person.id, name: person.name, userId: person.id };
  await audit(tx, { actor, now: ctx.now, projectId }, "project.join", person.id, { email: person.email, role });
}

/** Somebody who is signed in joins the project of a link. */
export async function joinSignedIn(ctx: Needs, input: unknown, userId: string): Promise<void> {
  const { secret } = parseInput(z.object({ secret: Secret }), input);
  const row = await usable(ctx.db, ctx.now(), secret);
  await ctx.db.transaction(async (tx) => {
    const [person] = await tx.select().from(user).where(eq(user.id, userId));
    if (!person || (row.email && row.email !== person.email)) throw refused();
    await use(tx, ctx, row);
    await enter(tx, ctx, row, person);
  });
}

/** A new account that joins, or a new password for the account that the link was made for. Answers whom to sign in. */
export async function acceptLink(
  ctx: Needs,
  input: unknown,
  hashPassword: (password: string) => Promise<string>,
): Promise<{ email: string }> {
  const { secret } = parseInput(z.object({ secret: Secret }), input);
  const row = await usable(ctx.db, ctx.now(), secret);
  return row.userId ? reset(ctx, row, row.userId, input, hashPassword) : join(ctx, row, input, hashPassword);
}

async function join(ctx: Needs, row: Row, input: unknown, hashPassword: (password: string) => Promise<string>) {
  const { name, email: typed, password } = parseInput(Join, input);
  const email = typed.toLowerCase();
  if (row.email && row.email !== email)
    throw new ServiceError("FORBIDDEN", say`email: the invitation is for another address`, {
      field: "email",
      remedy: say`use the address that was invited, or ask for a new invitation`,
    });
  const hash = await hashPassword(password);
  await ctx.db.transaction(async (tx) => {
    await use(tx, ctx, row);
    const id = newId();
    const made = await tx
      .insert(user)
      .values({ id, name, email, emailVerified: true })
      .onConflictDoNothing()
      .returning({ id: user.id });
    if (made.length === 0)
      throw new ServiceError("CONFLICT", say`email: there is an account of ${email} already`, {
        field: "email",
        remedy: say`sign in, then open the link again`,
      });
    await tx
      .insert(account)
      .values({ id: newId(), accountId: id, providerId: "credential", userId: id, password: hash });
    await enter(tx, ctx, row, { id, name, email });
  });
  return { email };
}

async function reset(
  ctx: Needs,
  row: Row,
  userId: string,
  input: unknown,
  hashPassword: (password: string) => Promise<string>,
) {
  const { password } = parseInput(Reset, input);
  const hash = await hashPassword(password);
  return ctx.db.transaction(async (tx) => {
    await use(tx, ctx, row);
    const [person] = await tx.select().from(user).where(eq(user.id, userId)).for("update");
    if (!person || person.disabledAt) throw refused();
    const changed = await tx
      .update(account)
      .set({ password: hash })
      .where(and(eq(account.userId, userId), eq(account.providerId, "credential")))
      .returning({ id: account.id });
    // An account that signed in elsewhere until now.
    if (changed.length === 0)
      await tx
        .insert(account)
        .values({ id: newId(), accountId: userId, providerId: "credential", userId, password: hash });
    await tx.delete(session).where(eq(session.userId, userId));
    const actor = { ...systemActor, kind: "user" as const, id: userId, name: person.name, userId };
    await audit(tx, { actor, now: ctx.now, projectId: null }, "user.password.reset", userId, { email: person.email });
    return { email: person.email };
  });
}
