import { storedSpec } from "@anneal/contracts";
import type { schema } from "@anneal/db";
import type { ServiceContext } from "../../context.ts";
import { checkVersion } from "../../datasets/check-version.ts";
import { findVersion } from "../../datasets/find-version.ts";
import { resolveBase } from "../../models/resolve-base.ts";

/** Tokens of the longest row that the run was trained on or judged by, answer included, as it was cut. */
export async function longestRow(
  ctx: ServiceContext,
  run: Pick<typeof schema.runs.$inferSelect, "spec" | "plan">,
): Promise<number> {
  const spec = storedSpec(run.spec);
  const { maxSequenceTokens, evaluation } = spec;
  let longest = run.plan?.data.longestTokens ?? maxSequenceTokens;
  if (evaluation.dataset !== null && longest < maxSequenceTokens) {
    const version = await findVersion(ctx, evaluation.dataset, "evaluation.dataset");
    const { source } = await resolveBase(ctx, spec.base);
    const check = await checkVersion(ctx, version, source, { maxSequenceTokens, examples: 1 });
    longest = Math.max(longest, check.longestTokens);
  }
  return Math.min(longest, maxSequenceTokens);
}
