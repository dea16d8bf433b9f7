"use client";
import { adapterMetric, type MetricName, type RunDetail } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { Stat } from "../../components/facts.tsx";
import { Sparkline } from "../../components/sparkline.tsx";
import { Card } from "../../components/ui/card.tsx";
import { ema } from "../../lib/ema.ts";
import { formatBytes, formatNumber, formatPercent } from "../../lib/format.ts";
import type { SeriesStore } from "../../lib/series.ts";
import { adapterRows } from "./adapter-rows.ts";
import { useStoreVersion } from "./charts/use-store-version.ts";

// The six numbers a person looks for first.
export function KeyFigures({ run, store }: { run: RunDetail; store: SeriesStore }) {
  const t = useTranslations("run.stats");
  useStoreVersion(store);
  const last = (name: MetricName) => store.last(name)?.mean ?? null;
  const spark = (name: MetricName, smoothing = 0) =>
    ema(
      store
        .points(name)
        .slice(-400)
        .map(({ mean }) => mean),
      smoothing,
    ).filter((value) => value !== null);
  const shown = (value: number | null, format: (value: number) => string) => (value === null ? "–" : format(value));

  // Adapters side by side have rates of their own: the best so far is shown.
  const best = adapterRows(run, store).find((row) => row.best)?.name ?? run.spec.adapters[0]?.name;
  const rate: MetricName = best ? adapterMetric("optim/learning_rate", best) : "optim/learning_rate";

  const evaluationStep = store.last("eval/loss")?.step;
  const accuracy = run.evaluationAfter?.exactMatch ?? last("eval/exact_match");
  const before = run.evaluationBefore?.exactMatch ?? null;
  const ranked = run.evaluationAfter?.rewardAccuracy ?? last("eval/reward_accuracy");
  const margin = run.evaluationAfter?.rewardMargin ?? last("eval/reward_margin");
  const speeds = store.points("speed/tokens_per_second");
  const count = speeds.reduce((sum, point) => sum + point.count, 0);
  const meanSpeed = count === 0 ? null : speeds.reduce((sum, point) => sum + point.mean * point.count, 0) / count;
  const planned = last("memory/planned_bytes") ?? run.plan?.memory.totalBytes ?? null;

  return (
    <Card className="overflow-hidden">
      <h2 className="sr-only">{t("title")}</h2>
      <dl className="-mr-px -mb-px grid grid-cols-2 sm:grid-cols-3 xl:grid-cols-6 [&>*]:border-r [&>*]:border-b">
        <Stat
          label={t("loss")}
          value={shown(last("train/loss") ?? run.lastLoss, formatNumber)}
          note={<Sparkline values={spark("train/loss", 0.8)} width={88} height={18} />}
        />
        <Stat
          label={t("evaluationLoss")}
          value={shown(last("eval/loss") ?? run.evaluationAfter?.loss ?? null, formatNumber)}
          note={evaluationStep === undefined ? "–" : t("step", { step: evaluationStep })}
        />
        {margin === null ? (
          <Stat
            label={t("accuracy")}
            value={shown(accuracy, formatPercent)}
            note={before === null ? "–" : t("accuracyBefore", { value: formatPercent(before) })}
          />
        ) : (
          <Stat
            label={t("preference")}
            value={shown(ranked, formatPercent)}
            note={t("margin", { value: formatNumber(margin) })}
          />
        )}
        <Stat
          label={t("speed")}
          value={shown(last("speed/tokens_per_second"), (value) => formatNumber(Math.round(value)))}
          note={meanSpeed === null ? "–" : t("speedMean", { value: formatNumber(Math.round(meanSpeed)) })}
        />
        <Stat
          label={t("memory")}
          value={shown(last("memory/peak_rss_bytes") ?? last("memory/rss_bytes"), formatBytes)}
          note={planned === null ? "–" : t("memoryPlanned", { value: formatBytes(planned) })}
        />
        <Stat
          label={t("learningRate")}
          value={shown(last(rate), (value) => formatNumber(value, 3))}
          note={<Sparkline values={spark(rate)} width={88} height={18} />}
        />
      </dl>
    </Card>
  );
}
