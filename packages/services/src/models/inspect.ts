import {
  api,
  type BaseModelRef,
  type ModelSummary,
  type ServiceError,
  told,
  withoutField,
  wordsOf,
} from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { verb } from "../verb.ts";
import { readFacts } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";
import { resolveBase } from "./resolve-base.ts";

/** One model by its reference, and why it cannot be a base where it cannot. What is not there is an error. */
export async function examine(
  ctx: ServiceContext,
  ref: BaseModelRef,
): Promise<{ summary: ModelSummary; refusal: ServiceError | null }> {
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
    return { summary: { ...known, supported: true, unsupportedReason: null, facts }, refusal: null };
  } catch (error) {
    const refusal = foreignError(error, "base");
    const { problem } = refusal;
    if (problem.code === "UNAVAILABLE" || problem.code === "INTERNAL") throw refusal;
    const unsupportedReason = withoutField(wordsOf(problem, "message"), "base");
    return { summary: { ...known, supported: false, ...told({ unsupportedReason }), facts: null }, refusal };
  }
}

export const inspect = verb(api.models.inspect, async (ctx, { ref }) => (await examine(ctx, ref)).summary);
