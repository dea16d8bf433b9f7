import { ServiceError, say, wellFormedText } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq } from "drizzle-orm";
import { z } from "zod";
import { type ServiceContext, systemActor } from "../context.ts";
import { audit, parseInput } from "../verb.ts";

const { account, session, user } = schema;

const Input = z.object({
  email: z.email().max(200).optional(), // needed where there are several accounts
  password: wellFormedText().min(10, "must have at least 10 characters").max(128, "must have at most 128 characters"),
});

/** A new password given on the machine itself, without the old one; every session of the account ends. */
export async function resetPassword(
  ctx: Pick<ServiceContext, "db" | "now">,
  input: unknown,
  hashPassword: (password: string) => Promise<string>,
): Promise<{ email: string }> {
  const { email, password } = parseInput(Input, input);
  const found = await ctx.db
    .select({ id: user.id, email: user.email })
    .from(user)
    .where(email ? eq(user.email, email.toLowerCase()) : undefined)
    .limit(2);
  const [one, other] = found;
  if (!one)
    throw new ServiceError("NOT_FOUND", say`there is no such account`, {
      field: "email",
      remedy: say`name the e-mail address of an account, or make the first administrator by the link of ./anneal up`,
    });
  if (other)
    throw new ServiceError("INVALID_INPUT", say`there are several accounts`, {
      field: "email",
      remedy: say`name the e-mail address of one`,
    });
  const hash = await hashPassword(password);
  await ctx.db.transaction(async (tx) => {
    await tx
      .update(account)
      .set({ password: hash })
      .where(and(eq(account.userId, one.id), eq(account.providerId, "credential")));
    await tx.delete(session).where(eq(session.userId, one.id));
    const actor = { ...systemActor, id: "local", name: "administrator of this machine" };
    await audit(tx, { actor, now: ctx.now }, "user.password.reset", one.id, { email: one.email });
  });
  return { email: one.email };
}
