import { api, type BaseModelRef, type ModelSummary, told, withoutField, wordsOf } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import type { ServiceContext } from "../context.ts";
import { verb } from "../verb.ts";
import { readFacts } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";
import { resolveBase } from "./resolve-base.ts";

/** One model by its reference. What is not there is an error; what is there and unfit says why. */
export async function inspectRef(ctx: ServiceContext, ref: BaseModelRef): Promise<ModelSummary> {
  const base = await resolveBase(ctx, ref);
  const id = ref.startsWith("model:") ? ref.slice("model:".length) : null;
  const [row] = id ? await ctx.db.select().from(schema.models).where(eq(schema.models.id, id)) : [];
  const summary = {
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
    return { ...summary, supported: true, unsupportedReason: null, facts: await readFacts(ctx, base.source) };
  } catch (error) {
    const { problem } = foreignError(error, "base");
    if (problem.code === "UNAVAILABLE" || problem.code === "INTERNAL") throw foreignError(error, "base");
    const reason = withoutField(wordsOf(problem, "message"), "base");
    return { ...summary, supported: false, ...told({ unsupportedReason: reason }), facts: null };
  }
}

export const inspect = verb(api.models.inspect, (ctx, { ref }) => inspectRef(ctx, ref));
