import { adaptersOf, bestAdapter, type EvaluationResult, type RunSpec } from "@anneal/contracts";
import type { ReportInput } from "@anneal/report";

/** Adapters trained side by side: what each was set to and came to, the exported one marked. */
export function reportAdapters(spec: RunSpec, { adapter, adapters }: EvaluationResult): ReportInput["adapters"] {
  const best = bestAdapter(adapters)?.name;
  return adaptersOf(spec).map((own) => {
    const { loss = null, exactMatch = null } = adapters.find(({ name }) => name === own.name) ?? {};
    return { ...own, lossNats: loss, exactMatch, best: own.name === best, exported: own.name === adapter };
  });
}
