import { type ModelSummary, told, withoutField, wordsOf } from "@anneal/contracts";
import type { WorkContext } from "../context.ts";
import { readFacts } from "./facts.ts";
import { foreignError } from "./foreign-error.ts";
import { resolveBase } from "./resolve-base.ts";

type Known = Pick<ModelSummary, "id" | "ref" | "place" | "name" | "source" | "runId" | "createdAt">;

/** A model with its facts, or with the reason why it cannot be a base. */
export async function describe(
  ctx: Pick<WorkContext, "db" | "ollama" | "paths" | "engine">,
  known: Known,
): Promise<ModelSummary> {
  const none = { facts: null, digest: null };
  try {
    const base = await resolveBase(ctx, known.ref);
    const facts = await readFacts(ctx, base.source);
    return { ...known, supported: true, unsupportedReason: null, facts, digest: base.digest };
  } catch (error) {
    const { problem } = foreignError(error, "base");
    return {
      ...known,
      ...none,
      supported: false,
      ...told({ unsupportedReason: withoutField(wordsOf(problem, "message"), "base") }),
    };
  }
}
