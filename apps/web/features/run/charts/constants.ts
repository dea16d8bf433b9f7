import type { SeriesStore } from "../../../lib/series.ts";
import type { ChartSpec } from "./catalogue.ts";

const fewest = 3;

/** Whether a chart would be a straight line: one series, told often enough, and never another value. */
export function isConstant({ names }: ChartSpec, store: Pick<SeriesStore, "points">): boolean {
  const [name, ...others] = names;
  if (!name || others.length > 0) return false;
  const points = store.points(name);
  const first = points[0]?.mean;
  return points.length >= fewest && points.every(({ min, max }) => min === first && max === first);
}
