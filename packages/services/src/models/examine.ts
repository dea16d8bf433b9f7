import { type BaseModelRef, type ModelSummary, type Problem, told, withoutField, wordsOf } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { WorkContext } from "../context.ts";
import { readFacts } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";
import { resolveBase } from "./resolve-base.ts";
import { textModelOf } from "./text-model.ts";

/**
 * A model by its reference, and why it cannot be a base where it cannot; a missing one is an error. `loadText` also reads its
 * tokenizer and chat template.
 */
export async function examine(
  ctx: WorkContext,
  ref: BaseModelRef,
  loadText: boolean,
): Promise<{ summary: ModelSummary; refusal: Problem | null }> {
  const base = await resolveBase(ctx, ref);
  const id = ref.startsWith("model:") ? ref.slice("model:".length) : null;
  const [row] = id ? await ctx.db.select().from(schema.models).where(eq(schema.models.id, id)) : [];
  const known = {
    id,
    ref,
    place: row?.ref ?? ref,
    name: row?.name ?? base.name,
    source: row?.source ?? (ref.startsWith("ollama:") ? ("ollama" as const) : base.source.kind),
    digest: base.digest,
    runId: row?.runId ?? null,
    createdAt: row?.createdAt.toISOString() ?? null,
  };
  try {
    const facts = await readFacts(ctx, base.source);
    if (loadText) await ctx.text.load(await textModelOf(ctx, base.source));
    return { summary: { ...known, supported: true, unsupportedReason: null, facts }, refusal: null };
  } catch (error) {
    const refusal = foreignError(error, "base");
    const { problem } = refusal;
    if (problem.code === "UNAVAILABLE" || problem.code === "INTERNAL") throw refusal;
    const unsupportedReason = withoutField(wordsOf(problem, "message"), "base");
    return { summary: { ...known, supported: false, ...told({ unsupportedReason }), facts: null }, refusal: problem };
  }
}
