"use client";
import { useTranslations } from "next-intl";
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { Card } from "../../../components/ui/card.tsx";
import { cn } from "../../../lib/cn.ts";
import { formatMetric } from "../../../lib/format.ts";
import type { SeriesStore } from "../../../lib/series.ts";
import { stepLabel } from "./axis-labels.ts";
import { type ChartSpec, seriesLabel } from "./catalogue.ts";
import { type ChartData, chartData, summaryOf, type XAxis } from "./chart-data.ts";
import { type ChartColours, seriesColour } from "./colours.ts";
import { uplotOptions } from "./uplot-options.ts";
import { useInView } from "./use-in-view.ts";

export interface ChartLook {
  axis: XAxis;
  smoothing: number;
  log: boolean;
  startSeconds: number;
  colours: ChartColours | null;
}

// One chart with its own legend, which follows the crosshair. Drawn only while it is near the screen.
export function Chart({
  spec,
  store,
  version,
  look,
  zoom,
  onZoom,
  height,
  className,
}: {
  spec: ChartSpec;
  store: SeriesStore;
  version: number;
  look: ChartLook;
  zoom: [number, number] | null;
  onZoom: (range: [number, number] | null) => void;
  height: number;
  className?: string;
}) {
  const t = useTranslations("run");
  const [frame, inView] = useInView<HTMLDivElement>();
  const { axis, smoothing, log, startSeconds, colours } = look;
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for what the store holds
  const data = useMemo(
    () =>
      inView
        ? chartData(
            spec.names.map((name) => ({ name, points: store.points(name) })),
            { axis, smoothing, log, startSeconds },
          )
        : null,
    [inView, spec, store, version, axis, smoothing, log, startSeconds],
  );
  const title = spec.title ? t(`chart.${spec.title}`) : t(`metric.${spec.names[0] ?? ""}`);
  const description = spec.names
    .map((name) => {
      const summary = summaryOf(store.points(name));
      if (!summary) return "";
      const show = (value: number) => formatMetric(value, spec.unit);
      return t("curves.description", {
        title: seriesLabel(name, (series) => t(`metric.${series}`)),
        value: show(summary.value),
        step: summary.step,
        low: show(summary.low),
        high: show(summary.high),
      });
    })
    .join(". ");
  const [hovered, setHovered] = useState<number | null>(null);

  return (
    <Card className={cn("min-w-0 p-3", className)} data-chart={spec.id}>
      <div className="mb-1 flex flex-wrap items-baseline justify-between gap-x-3 gap-y-0.5">
        <h3 className="font-medium text-sm">{title}</h3>
        <Legend spec={spec} store={store} data={data} hovered={hovered} colours={colours} />
      </div>
      <div ref={frame} role="img" aria-label={description} style={{ height }} className="min-w-0 overflow-hidden">
        {data && colours ? (
          <Canvas
            data={data}
            unit={spec.unit}
            axis={axis}
            log={log}
            colours={colours}
            height={height}
            zoom={zoom}
            onZoom={onZoom}
            onCursor={setHovered}
          />
        ) : null}
      </div>
    </Card>
  );
}

function Legend({
  spec,
  store,
  data,
  hovered,
  colours,
}: {
  spec: ChartSpec;
  store: SeriesStore;
  data: ChartData | null;
  hovered: number | null;
  colours: ChartColours | null;
}) {
  const t = useTranslations("run");
  const hoveredStep = hovered === null || !data ? null : stepAt(data, hovered);
  return (
    <p className="tabular flex flex-wrap gap-x-3 text-xs" aria-hidden>
      {spec.names.map((name, i) => {
        const row = data?.at.get(name);
        // Under the crosshair the nearest point at or before it: evaluations are rarer than steps.
        let point = store.last(name);
        if (hovered !== null && row) {
          let at = hovered;
          while (at > 0 && !row[at]) at--;
          point = row[at] ?? null;
        }
        return (
          <span key={name} className="flex items-center gap-1.5 whitespace-nowrap">
            {spec.names.length > 1 ? (
              <>
                <span
                  className="size-2 rounded-full"
                  style={colours ? { background: seriesColour(colours, i) } : undefined}
                />
                <span className="text-muted-foreground">{seriesLabel(name, (series) => t(`metric.${series}`))}</span>
              </>
            ) : null}
            <span className="font-medium">{point ? formatMetric(point.mean, spec.unit) : "–"}</span>
          </span>
        );
      })}
      {hoveredStep === null ? null : (
        <span className="text-muted-foreground">{t("curves.point", { step: stepLabel(hoveredStep) })}</span>
      )}
    </p>
  );
}

// The step under the crosshair, from whichever series has a point there.
function stepAt(data: ChartData, index: number): number | null {
  for (const row of data.at.values()) {
    const point = row[index];
    if (point) return point.step;
  }
  return null;
}

function Canvas({
  data,
  unit,
  axis,
  log,
  colours,
  height,
  zoom,
  onZoom,
  onCursor,
}: {
  data: ChartData;
  unit: string;
  axis: XAxis;
  log: boolean;
  colours: ChartColours;
  height: number;
  zoom: [number, number] | null;
  onZoom: (range: [number, number] | null) => void;
  onCursor: (index: number | null) => void;
}) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ data, zoom, onZoom, onCursor });
  latest.current = { data, zoom, onZoom, onCursor };
  // Another set of columns or another look needs a new plot; new points only new data.
  const shape = data.columns.map(({ name, role }) => `${name}:${role}`).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: shape stands for the columns
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const look = { axis, unit, log, colours, width: Math.max(120, element.clientWidth), height };
    const made = new uPlot(
      uplotOptions(latest.current.data, look, {
        onZoom: (range) => latest.current.onZoom(range),
        onCursor: (index) => latest.current.onCursor(index),
        range: () => latest.current.zoom,
      }),
      aligned(latest.current.data),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(120, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
      latest.current.onCursor(null);
    };
  }, [shape, axis, unit, log, colours, height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the range function reads zoom
  useEffect(() => {
    plot.current?.setData(aligned(data), true);
  }, [data, zoom]);

  return <div ref={host} className="min-w-0" />;
}

const aligned = (data: ChartData): uPlot.AlignedData => [data.x, ...data.columns.map(({ values }) => values)];
