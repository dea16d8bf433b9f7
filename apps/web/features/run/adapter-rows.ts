import {
  type AdapterSeries,
  type AdapterSettings,
  adapterMetric,
  adaptersOf,
  bestAdapter,
  type RunDetail,
} from "@anneal/contracts";
import type { SeriesStore } from "../../lib/series.ts";

export interface AdapterRow extends AdapterSettings {
  trainLoss: number | null;
  loss: number | null; // on held-out rows
  exactMatch: number | null;
  best: boolean; // the lowest held-out loss; of none where nothing was measured yet
  exported: boolean;
}

/** Adapters trained side by side with what is known of them: the final evaluation's figures, before that the last ones on the way. */
export function adapterRows(run: Pick<RunDetail, "spec" | "evaluationAfter">, store: SeriesStore): AdapterRow[] {
  const { adapter = null, adapters: final = [] } = run.evaluationAfter ?? {};
  const rows = adaptersOf(run.spec).map((own) => {
    const last = (series: AdapterSeries) => store.last(adapterMetric(series, own.name))?.mean ?? null;
    const after = final.find(({ name }) => name === own.name);
    return {
      ...own,
      trainLoss: last("train/loss"),
      loss: after ? after.loss : last("eval/loss"),
      exactMatch: after ? after.exactMatch : last("eval/exact_match"),
      exported: own.name === adapter,
    };
  });
  const best = bestAdapter(rows.filter(({ loss }) => loss !== null))?.name;
  return rows.map((row) => ({ ...row, best: row.name === best }));
}
