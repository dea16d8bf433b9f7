import { formatBytes, formatCount, formatNumber, formatPercent } from "../../../lib/format.ts";
import type { XAxis } from "./chart-data.ts";

// Labels of one axis. `step` is the distance between two of them: neighbours must not read the same.
export function valueLabels(places: readonly (number | null)[], unit: string, step: number): string[] {
  const label = unit === "bytes" ? byteLabel(places) : labelOf(unit);
  // A logarithmic axis leaves some of its places out (null).
  return places.map((place) => (place === null ? "" : label(place, step)));
}

const digitsFor = (step: number, atMost: number) =>
  step > 0 ? Math.min(atMost, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))) : 0;

function labelOf(unit: string): (value: number, step: number) => string {
  if (unit === "share") return (value, step) => formatPercent(value, digitsFor(step * 100, 2));
  if (unit === "s")
    return (value) => (Math.abs(value) < 1 ? `${formatNumber(value * 1000, 3)} ms` : `${formatNumber(value, 4)} s`);
  return (value) => formatNumber(value, 4);
}

// All labels in the unit of the largest, so that they compare at a glance.
function byteLabel(places: readonly (number | null)[]): (value: number, step: number) => string {
  const largest = Math.max(0, ...places.map((place) => Math.abs(place ?? 0)));
  const power = largest < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(largest) / 10));
  const scale = 1024 ** power;
  const name = formatBytes(scale).split(" ")[1] ?? "B";
  return (value, step) => `${(value / scale).toFixed(digitsFor(step / scale, 3))} ${name}`;
}

// 0:30, 5:00, 1:05:00
function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

// A step is told exactly, however large.
export const stepLabel = (value: number) => (Number.isInteger(value) ? String(value) : formatNumber(value));

export const placeLabel = (value: number, axis: XAxis) =>
  axis === "time" ? clock(value) : axis === "tokens" ? formatCount(value) : stepLabel(value);

// Distances of places that are whole: steps and tokens have no halves.
export const wholeSteps = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((lead) => lead * 10 ** power)).flat();
// Distances that are round in units of 1024.
export const byteSteps = Array.from({ length: 61 }, (_, power) => 2 ** power);

// Distances that read well on a clock, from a second to a week.
export const timeSteps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];
