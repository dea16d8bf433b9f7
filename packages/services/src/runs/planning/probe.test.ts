import { expect, test } from "vitest";
import { isStale, type Probe } from "./probe.ts";

const measuredAt = "2026-11-30T12:00:00.000Z";
const probe = (busy: boolean): Probe => ({
  flopsPerSecond: 1e9,
  slowestFlopsPerSecond: 1e9,
  secondsPerNewToken: 0.01,
  loadSeconds: 1,
  measuredAt,
  busy,
});
const after = (hours: number) => Date.parse(measuredAt) + hours * 3600_000;

test.each([
  ["measured on an idle machine, a day ago", false, 24, false, false],
  ["measured on an idle machine, eight days ago", false, 8 * 24, false, true],
  ["measured on a busy machine that is idle now", true, 1, false, true],
  ["measured on a busy machine that still is busy", true, 1, true, false],
  ["measured on a busy machine a moment ago", true, 0.001, false, false],
  ["measured in the future: the clock was set back", false, -1, false, true],
])("%s", (_, busy, hours, busyNow, stale) => {
  expect(isStale(probe(busy), after(hours), busyNow)).toBe(stale);
});
