import { automaticAnswerTokens, readStoredSpec } from "@anneal/contracts";
import { runs } from "@anneal/services";
import type { GgufMetadata } from "@anneal/text";
import type { WorkerContext } from "../worker-context.ts";

const ollamaServes = 4096; // tokens, where a model says nothing
const roundedTo = 256;

/**
 * `num_ctx` for a model that was trained or judged on more tokens than Ollama serves by itself: else half of a long prompt would be cut
 * away without a word. At most what the model's file says it can take.
 */
export async function servedContext(
  { services, log }: WorkerContext,
  { runId, name, parameters }: { runId: string | null; name: string; parameters: Record<string, unknown> },
  metadata: GgufMetadata,
): Promise<{ num_ctx?: number }> {
  if (runId === null || "num_ctx" in parameters) return {};
  const run = await runs.execution.findRun(services, runId);
  const spec = readStoredSpec(run.spec);
  const answer = spec.evaluation.maxNewTokens ?? automaticAnswerTokens.most;
  if (spec.maxSequenceTokens + answer <= ollamaServes) return {};
  // What is judged may answer longer than its row does.
  const needed = (await runs.execution.longestRow(services, run)) + answer;
  if (needed <= ollamaServes) return {};
  const most = metadata[`${String(metadata["general.architecture"])}.context_length`];
  const limit = typeof most === "number" || typeof most === "bigint" ? Number(most) : Number.POSITIVE_INFINITY;
  const tokens = Math.min(Math.ceil(needed / roundedTo) * roundedTo, limit);
  if (tokens < needed)
    log.warn({ name, needed, tokens }, "the model's context is shorter than its longest row and answer");
  return tokens > ollamaServes ? { num_ctx: tokens } : {};
}
