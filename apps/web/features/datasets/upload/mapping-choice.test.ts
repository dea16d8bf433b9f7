import { describe, expect, it } from "vitest";
import { undecided, withUse } from "./mapping-choice.ts";

const field = (path: string, content: boolean) => ({ path, content, rows: 1, example: "x" });

describe("fields that are not read", () => {
  it("are decided by leaving them out; what is no content asks nothing", () => {
    const inspection = { unusedFields: [field("topic", true), field("hint", true), field("id", false)] };
    const open = undecided(inspection as never, ["topic"]);
    expect(open.map(({ path }) => path)).toEqual(["hint"]);
  });
  it("join a mapping without losing what it says already", () => {
    const mapping = { user: "q", assistant: "a", context: ["passage"] };
    expect(withUse(mapping, "context", "hint")).toEqual({ ...mapping, context: ["passage", "hint"] });
    expect(withUse(mapping, "mark", "good")).toEqual({ ...mapping, mark: "good" });
  });
});
