import { describe, expect, it } from "vitest";
import { formatSourceWeights, parseSourceWeights } from "./source-weights.ts";
import { emptyForm, fieldOf, specOf } from "./spec-form.ts";

describe("weights of sources", () => {
  it("are read line by line and written back", () => {
    const weights = { forum: 0.5, "a = b": 0, "帮助 中心": 2 };
    expect(parseSourceWeights("forum = 0.5\n\n a = b =0\n帮助 中心= 2 ")).toEqual(weights);
    expect(parseSourceWeights(formatSourceWeights(weights))).toEqual(weights);
    expect(parseSourceWeights("forum = 0,25")).toEqual({ forum: 0.25 });
    expect(parseSourceWeights(" \n")).toEqual({});
  });

  it.each(["forum", "forum =", "forum = much", "forum = -1", " = 1"])("%s is refused at its field", (text) => {
    const form = {
      ...emptyForm(),
      base: "/m.gguf",
      dataset: "00000000-0000-7000-8000-000000000001",
      publishing: false,
    };
    expect(specOf(form).ok).toBe(true);
    const result = specOf({ ...form, sourceWeights: parseSourceWeights(text) });
    expect(result.ok ? [] : result.issues.map(({ path }) => path)).toEqual(["sourceWeights"]);
    expect(fieldOf("sourceWeights.forum")).toBe("sourceWeights");
  });
});
