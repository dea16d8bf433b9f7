import { describe, expect, it } from "vitest";
import { commitFault } from "./commit-rule.mjs";

describe("the rule of commits", () => {
  it.each([
    "Add a rule",
    "Add a rule\n\nIt says why.\n",
    "Merge branch main into a branch whose name is so very long that it passes the limit",
  ])("takes %j", (message) => expect(commitFault(message)).toBeNull());
  it.each([
    ["", "empty"],
    [`Add ${"a".repeat(69)}`, "73 characters"],
    ["add a rule", "capital"],
    ["Add a rule.", "full stop"],
    ["Added a rule", "imperative"],
    ["Add a rule\nand go on", "empty line"],
  ])("refuses %j", (message, said) => expect(commitFault(message)).toContain(said));
});
