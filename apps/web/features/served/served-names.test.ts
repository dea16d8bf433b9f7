import type { DeploymentSummary } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { matchesServed, servedNames } from "./served-names.ts";

const row = (id: string, name: string, status: DeploymentSummary["status"], finishedAt: string | null = null) =>
  ({
    id,
    name,
    status,
    finishedAt,
    createdAt: `2026-01-0${id}T00:00:00.000Z`,
    runName: `run ${id}`,
    gguf: "Q8_0",
    file: null,
  }) as DeploymentSummary;

describe("what is served", () => {
  it("one name, however it is written, serves one model and remembers the others", () => {
    const [one, ...others] = servedNames([
      row("3", "Colours", "rolled_back", "2026-01-05T00:00:00.000Z"),
      row("2", "colours:latest", "live", "2026-01-06T00:00:00.000Z"),
      row("1", "colours", "superseded", "2026-01-01T00:00:00.000Z"),
    ]);
    expect(others).toEqual([]);
    expect(one?.current?.id).toBe("2");
    expect(one?.history.map(({ id }) => id)).toEqual(["3", "1"]);
  });
  it("other tags are other names; names that serve nothing come last", () => {
    const names = servedNames([row("1", "a:old", "rolled_back"), row("2", "b", "live"), row("3", "a:new", "drifted")]);
    expect(names.map(({ name, current }) => [name, current?.id ?? null])).toEqual([
      ["a:new", "3"],
      ["b", "2"],
      ["a:old", null],
    ]);
  });
  it("what replaces a model stands beside it until it is live", () => {
    const [one] = servedNames([row("2", "a", "publishing"), row("1", "a", "live")]);
    expect([one?.current?.id, one?.moving?.id, one?.history]).toEqual(["1", "2", []]);
  });
  it("is found by name, run and file type", () => {
    const [one] = servedNames([row("1", "bank-intents", "live")]);
    if (!one) throw new Error("no name");
    expect(matchesServed(one, "bank q8")).toBe(true);
    expect(matchesServed(one, "RUN 1")).toBe(true);
    expect(matchesServed(one, "other")).toBe(false);
  });
});
