import { readStoredSpec } from "@anneal/contracts";
import type { schema } from "@anneal/db";
import type { ServiceContext } from "../../context.ts";

/** Tokens of the longest row that the run was trained on or judged by, answer included, as it was cut. */
export async function longestRow(
  ctx: ServiceContext,
  run: Pick<typeof schema.runs.$inferSelect, "spec" | "plan">,
): Promise<number> {
  const spec = readStoredSpec(run.spec);
  const { maxSequenceTokens, evaluation } = spec;
  let longest = run.plan?.data.longestTokens ?? maxSequenceTokens;
  if (evaluation.dataset !== null && longest < maxSequenceTokens) {
    const question = { versionId: evaluation.dataset, base: spec.base, maxSequenceTokens, examples: 1 };
    const check = await ctx.work.ask(ctx, "dataset.check", { ...question, show: "any" });
    longest = Math.max(longest, check.longestTokens);
  }
  return Math.min(longest, maxSequenceTokens);
}
