import { createHash, randomBytes } from "node:crypto";
import { annealVersion, api, ServiceError, say, workerProtocolVersion } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { and, eq, gt, isNull } from "drizzle-orm";
import { z } from "zod";
import type { ServiceContext } from "../context.ts";
import { audit, parseInput, verb } from "../verb.ts";

const { workerJoinTokens } = schema;
const lifeMilliseconds = 3_600_000;
const hashOf = (token: string) => createHash("sha256").update(token).digest("hex"); // 256 random bits need no salt

export const invite = verb(api.workers.invite, async (ctx) => {
  const token = `anj_${randomBytes(32).toString("base64url")}`;
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + lifeMilliseconds);
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx
      .insert(workerJoinTokens)
      .values({ hash: hashOf(token), createdBy: ctx.actor.id, createdAt: now, expiresAt })
      .returning({ id: workerJoinTokens.id });
    await audit(tx, ctx, "worker.invite", row?.id ?? "", { expiresAt: expiresAt.toISOString() });
  });
  return { token, expiresAt: expiresAt.toISOString() };
});

export const JoinInput = z.object({
  token: z.string().max(200),
  name: z.string().min(1).max(80),
  version: z.string().max(50),
  protocol: z.int(),
});

/** What a machine that joins shows; refused in words where its Anneal and this one do not fit. The token is used up. */
export async function join(ctx: Pick<ServiceContext, "db" | "now">, input: unknown): Promise<{ invitedBy: string }> {
  const { token, name, version, protocol } = parseInput(JoinInput, input);
  // Looked at first: a token is not spent on a machine that must be updated.
  if (protocol !== workerProtocolVersion)
    throw new ServiceError(
      "PRECONDITION_FAILED",
      say`the worker is Anneal ${version} (protocol ${protocol}), the console Anneal ${annealVersion} (protocol ${workerProtocolVersion})`,
      { field: "protocol", remedy: say`install the same version on both machines, and join again` },
    );
  const now = ctx.now();
  const [used] = await ctx.db
    .update(workerJoinTokens)
    .set({ usedAt: now, usedBy: name })
    .where(
      and(
        eq(workerJoinTokens.hash, hashOf(token)),
        isNull(workerJoinTokens.usedAt),
        gt(workerJoinTokens.expiresAt, now),
      ),
    )
    .returning({ createdBy: workerJoinTokens.createdBy });
  if (!used)
    throw new ServiceError("UNAUTHENTICATED", say`the join token is unknown, used up or expired`, {
      field: "token",
      remedy: say`make a new one: ./anneal workers invite, or the console's page of workers`,
    });
  return { invitedBy: used.createdBy };
}
