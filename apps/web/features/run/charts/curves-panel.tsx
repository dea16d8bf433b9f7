"use client";
import { ChartLineIcon, ZoomOutIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useTheme } from "next-themes";
import { memo, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { EmptyState } from "../../../components/empty-state.tsx";
import { FilterChips } from "../../../components/filter-chips.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Card } from "../../../components/ui/card.tsx";
import { Switch } from "../../../components/ui/switch.tsx";
import { cn } from "../../../lib/cn.ts";
import { formatMetric } from "../../../lib/format.ts";
import type { SeriesStore } from "../../../lib/series.ts";
import { useStored } from "../../../lib/use-stored.ts";
import { type ChartSpec, chartsOf, metricGroups } from "./catalogue.ts";
import { Chart, type ChartLook } from "./chart.tsx";
import { type XAxis, xAxes } from "./chart-data.ts";
import { type ChartColours, readColours } from "./colours.ts";
import { isConstant } from "./constants.ts";
import { useStoreVersion } from "./use-store-version.ts";

const readSmoothing = (text: string | null) => {
  const value = Number(text ?? "0.6");
  return value >= 0 && value <= 0.99 ? value : 0.6;
};
const readAxis = (text: string | null): XAxis => xAxes.find((name) => name === text) ?? "step";
const readLog = (text: string | null) => text === "true";

// Redrawn by the store's own pace, not with every change of the page around it.
export const CurvesPanel = memo(function CurvesPanel({ store }: { store: SeriesStore }) {
  const t = useTranslations("run.curves");
  const version = useStoreVersion(store);
  const [smoothing, setSmoothing] = useStored("curves.smoothing", readSmoothing);
  const [axis, setAxis] = useStored("curves.axis", readAxis);
  const [log, setLog] = useStored<boolean>("curves.log", readLog);
  const [zoom, setZoom] = useState<[number, number] | null>(null);
  const host = useRef<HTMLDivElement>(null);
  const colours = useColours(host);
  const names = store.names();
  const key = names.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for the names
  const charts = useMemo(() => chartsOf(names), [key]);
  const startSeconds = firstSecond(store);
  const look = useMemo<ChartLook>(
    () => ({ axis, smoothing, log, startSeconds, colours }),
    [axis, smoothing, log, startSeconds, colours],
  );

  return (
    <div ref={host}>
      {charts.length === 0 ? (
        <Card>
          <EmptyState icon={ChartLineIcon} title={t("empty")}>
            {t("emptyBody")}
          </EmptyState>
        </Card>
      ) : (
        <>
          <div className="mb-3 flex flex-wrap items-center gap-x-5 gap-y-2 text-xs">
            <label className="flex items-center gap-2">
              {t("smoothing")}
              <input
                type="range"
                min={0}
                max={0.99}
                step={0.01}
                value={smoothing}
                onChange={(event) => setSmoothing(Number(event.target.value))}
                className="w-28 accent-primary"
              />
              <output className="tabular w-8 text-muted-foreground">
                {smoothing === 0 ? t("smoothingOff") : smoothing.toFixed(2)}
              </output>
            </label>
            <FilterChips<XAxis>
              label={t("x")}
              value={axis}
              options={xAxes.map((name) => ({ value: name, label: t(`xName.${name}`) }))}
              onChange={(next) => {
                setZoom(null);
                setAxis(next);
              }}
            />
            <span className="flex items-center gap-2">
              <Switch id="curves-log" checked={log} onCheckedChange={setLog} />
              <label htmlFor="curves-log">{t("log")}</label>
            </span>
            {zoom ? (
              <Button size="sm" onClick={() => setZoom(null)}>
                <ZoomOutIcon aria-hidden />
                {t("resetZoom")}
              </Button>
            ) : null}
            <span className="ml-auto hidden text-muted-foreground lg:inline" title={t("band")}>
              {t("shown", { count: names.length })} · {t("zoomHint")}
            </span>
          </div>
          {metricGroups.map((group) => {
            const members = charts.filter((chart) => chart.group === group);
            if (members.length === 0) return null;
            const flat = members.filter((chart) => isConstant(chart, store));
            const moving = members.filter((chart) => !flat.includes(chart));
            const minor = group === "machine" || group === "data";
            const pairs = moving.filter(({ id }) => id !== "loss");
            const alone = !minor && pairs.length % 2 === 1 ? pairs.at(-1) : undefined;
            return (
              <section key={group} className="mb-5" aria-labelledby={`curves-${group}`}>
                <h2
                  id={`curves-${group}`}
                  className="mb-2 font-medium text-muted-foreground text-xs uppercase tracking-wide"
                >
                  {t(`group.${group}`)}
                </h2>
                <div
                  className={cn("grid grid-cols-1 gap-3", minor ? "sm:grid-cols-2 xl:grid-cols-3" : "lg:grid-cols-2")}
                >
                  {moving.map((spec) => (
                    <Chart
                      key={spec.id}
                      spec={spec}
                      store={store}
                      version={version}
                      look={look}
                      zoom={zoom}
                      onZoom={setZoom}
                      height={spec.id === "loss" || spec.names.length > 5 ? 260 : minor ? 120 : 180}
                      className={spec.id === "loss" || spec === alone ? "lg:col-span-2" : undefined}
                    />
                  ))}
                </div>
                <Constants charts={flat} store={store} />
              </section>
            );
          })}
        </>
      )}
    </div>
  );
});

// What never moved is told in a line, not drawn.
function Constants({ charts, store }: { charts: readonly ChartSpec[]; store: SeriesStore }) {
  const t = useTranslations("run");
  if (charts.length === 0) return null;
  return (
    <dl className="mt-2 flex flex-wrap gap-x-5 gap-y-1 text-xs" title={t("curves.constant")}>
      {charts.map(({ id, names: [name], unit }) => (
        <div key={id} className="flex gap-1.5" data-constant={id}>
          <dt className="text-muted-foreground">{t(`metric.${name ?? ""}`)}</dt>
          <dd className="tabular font-medium">{formatMetric((name && store.last(name)?.mean) ?? 0, unit)}</dd>
        </div>
      ))}
    </dl>
  );
}

function firstSecond(store: SeriesStore): number {
  const starts = store.names().map((name) => store.points(name)[0]?.time ?? Number.POSITIVE_INFINITY);
  const first = Math.min(...starts);
  return Number.isFinite(first) ? first : 0;
}

function useColours(host: RefObject<HTMLElement | null>): ChartColours | null {
  const { resolvedTheme } = useTheme();
  const [colours, setColours] = useState<ChartColours | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours
  useEffect(() => {
    if (host.current) setColours(readColours(host.current));
  }, [host, resolvedTheme]);
  return colours;
}
