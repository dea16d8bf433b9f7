import { schema } from "@anneal/db";
import { and, desc, eq, ne } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import type { JobClaim } from "../jobs/index.ts";
import { deploymentLeases } from "./kind.ts";
import { underName } from "./name-taken.ts";
import { tellDeployments } from "./tell.ts";

const { deployments } = schema;

/**
 * After a rollback: the publication that brought the restored model is live again, from now on, and the one that was taken
 * back is not. A model that was not published from here has no publication to mark. Fenced by the deployment's attempt.
 */
export async function finishRollback(
  ctx: Pick<ServiceContext, "db" | "now" | "queue">,
  claim: JobClaim,
  restored: { digest: string; previousDigest: string },
): Promise<void> {
  const done = { phase: "done", fraction: 1, etaSeconds: 0, leaseExpiresAt: null, problem: null };
  // Where Ollama kept nothing in its stead there is no way forward again.
  const previousDigest = restored.previousDigest === restored.digest ? null : restored.previousDigest;
  await ctx.db.transaction(async (tx) => {
    const back = await deploymentLeases.release(ctx, tx, claim, {
      ...done,
      status: "rolled_back",
      finishedAt: ctx.now(),
    });
    const [older] = await tx
      .select({ id: deployments.id })
      .from(deployments)
      .where(and(underName(back.name), ne(deployments.id, back.id), eq(deployments.ollamaDigest, restored.digest)))
      .orderBy(desc(deployments.finishedAt))
      .limit(1)
      .for("update");
    const live = older
      ? await tx
          .update(deployments)
          .set({ ...done, status: "live", previousDigest, finishedAt: ctx.now() })
          .where(eq(deployments.id, older.id))
          .returning()
      : [];
    await tellDeployments(tx, ctx, [back, ...live]);
  });
}
