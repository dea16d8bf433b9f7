import { ServiceError } from "@anneal/contracts";
import { describe, expect, test } from "vitest";
import { choose } from "./choose.ts";

const runs = [
  { id: "01a20d41-2042-7683-8e38-c5479e38136d", name: "banking-small on banking77" },
  { id: "01a20d41-9999-7683-8e38-c5479e38136d", name: "banking" },
  { id: "01a3ffff-2042-7683-8e38-c5479e38136d", name: "Colours" },
  { id: "01b00000-2042-7683-8e38-c5479e38136d", name: "01a3" },
];
const run = (named: string) => choose(runs, named, { what: "run", otherwise: "see anneal run list" });
const refusal = (named: string) => {
  try {
    run(named);
  } catch (error) {
    if (error instanceof ServiceError) return error.problem;
    throw error;
  }
  throw new Error(`${named} was found`);
};

describe("choose", () => {
  test.each([
    ["01a20d41-9999-7683-8e38-c5479e38136d", 1], // the whole id
    ["01A20D41-9", 1], // the beginning of one, in any case
    ["banking", 1], // a whole name goes before the beginning of another
    ["banking-", 0],
    ["colours", 2],
    ["banking77", 0], // within a name
    ["01a3", 3], // a name goes before an id
    ["01a3f", 2],
  ])("takes %s for the one that is meant", (named, index) => {
    expect(run(named)).toBe(runs[index]);
  });
  test("lists those that may be meant", () => {
    expect(refusal("01a20d41")).toMatchObject({ code: "INVALID_INPUT", remedy: "name one by its whole id" });
    expect(refusal("01a20d41").message).toMatch(
      /several are meant by the run "01a20d41": .*-2042-.*\(banking-small on banking77\), .*\(banking\)/,
    );
    expect(refusal("ban").message).toContain("several are meant by the run");
  });
  test.each(["nope", "", "02c", "%"])("says that there is none: %j", (named) => {
    expect(refusal(named)).toMatchObject({ code: "NOT_FOUND", message: `there is no run "${named}"` });
    expect(refusal(named).remedy).toContain("see anneal run list");
  });
});
