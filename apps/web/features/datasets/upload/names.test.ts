import { DisplayName } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { nameFromFile } from "./names.ts";

describe("nameFromFile", () => {
  it.each([
    ["bank train.jsonl", "bank train"],
    ["../../etc/passwd", "passwd"],
    ["客服问题.csv", "客服问题"],
    ["C:\\data\\faq.v2.tsv", "faq.v2"],
    ["<script>.json", "script"],
    [".hidden", "hidden"],
    ["???", "dataset"],
    ["", "dataset"],
  ])("%s -> %s", (file, name) => {
    expect(nameFromFile(file)).toBe(name);
  });
  it("always gives a valid name", () => {
    for (const file of ["a".repeat(300), " x ", "\u202eevil.txt", "👩‍🚀 data.jsonl"])
      expect(DisplayName.safeParse(nameFromFile(file)).success, file).toBe(true);
  });
});
