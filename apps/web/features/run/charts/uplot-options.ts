import type uPlot from "uplot";
import { byteSteps, placeLabel, timeSteps, valueLabels, wholeSteps } from "./axis-labels.ts";
import type { ChartData, XAxis } from "./chart-data.ts";
import { type ChartColours, seriesColour, withAlpha } from "./colours.ts";

// Crosshairs of all charts of a page move together.
export const cursorSync = "run-curves";

export interface ChartHandlers {
  onZoom: (range: [number, number] | null) => void;
  onCursor: (index: number | null) => void;
  range: () => [number, number] | null;
}

const isFew = (values: ArrayLike<number | null | undefined> | undefined) => {
  let count = 0;
  for (let i = 0; values && i < values.length && count <= 40; i++) if (values[i] != null) count++;
  return count <= 40;
};

/** A share that stands still gets the whole of its axis, others some air around them; none goes beyond it. */
export function shareRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || low === high) return [0, 1];
  const air = 0.1 * (high - low);
  return [Math.max(0, low - air), Math.min(1, high + air)];
}

export function uplotOptions(
  data: ChartData,
  look: { axis: XAxis; unit: string; log: boolean; colours: ChartColours; width: number; height: number },
  handlers: ChartHandlers,
): uPlot.Options {
  const { axis, unit, log, colours } = look;
  const order = [...new Set(data.columns.map(({ name }) => name))];
  const bands: uPlot.Band[] = [];
  const series: uPlot.Series[] = [{}];
  data.columns.forEach(({ name, role }, i) => {
    const colour = seriesColour(colours, order.indexOf(name));
    if (role === "max") bands.push({ series: [i + 1, i + 2], fill: withAlpha(colour, 0.16) });
    series.push({
      spanGaps: true,
      stroke: role === "line" ? colour : role === "raw" ? withAlpha(colour, 0.35) : "transparent",
      width: role === "line" ? 1.75 : 1,
      // Asked at every drawing: a live series grows out of being few.
      points: { show: (self, index) => role === "line" && isFew(self.data[index]), size: 5, fill: colour },
    });
  });
  const grid = { stroke: colours.grid, width: 1 };
  const shared = { stroke: colours.text, grid, ticks: { ...grid, size: 4 }, font: "11px system-ui, sans-serif" };
  return {
    width: look.width,
    height: look.height,
    legend: { show: false },
    bands,
    series,
    cursor: {
      sync: { key: cursorSync, scales: ["x", null] },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      bind: {
        dblclick: () => () => {
          handlers.onZoom(null);
          return null;
        },
      },
    },
    scales: {
      x: {
        time: false,
        range: (_self, low, high) => {
          const chosen = handlers.range();
          if (chosen) return chosen;
          return low === high ? [low - 1, high + 1] : [low, high];
        },
      },
      y: log ? { distr: 3 } : unit === "share" ? { range: (_self, low, high) => shareRange(low, high) } : {},
    },
    axes: [
      {
        ...shared,
        size: 30,
        space: 70,
        incrs: axis === "time" ? timeSteps : wholeSteps,
        values: (_self, places) => places.map((place) => placeLabel(place, axis)),
      },
      {
        ...shared,
        ...(unit === "bytes" && !log ? { incrs: byteSteps } : {}),
        size: (_self, labels) => 14 + 6.5 * Math.max(3, ...(labels ?? []).map((label) => label?.length ?? 0)),
        values: (_self, places, _axis, _space, step) => valueLabels(places, unit, step),
      },
    ],
    hooks: {
      setSelect: [
        (self) => {
          const { left, width } = self.select;
          if (width < 4) return;
          handlers.onZoom([self.posToVal(left, "x"), self.posToVal(left + width, "x")]);
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [(self) => handlers.onCursor(self.cursor.idx ?? null)],
    },
  };
}
