import { describe, expect, it } from "vitest";
import { isOllamaError } from "./error.ts";
import { displayModelName, isValidModelName, parseModelName, sameModelName } from "./names.ts";
import { isAnnealSlot, parseServedName, previousName, stagingName } from "./slots.ts";

describe("model names", () => {
  it.each([
    ["a", "a:latest"],
    ["a:v1", "a:v1"],
    ["ns/a", "ns/a:latest"],
    ["h.ex:5000/ns/a:t", "h.ex:5000/ns/a:t"],
    ["registry.ollama.ai/library/a", "a:latest"],
    ["http://h.ex/ns/a", "h.ex/ns/a:latest"],
  ])("%s is shown as %s", (text, shown) => expect(displayModelName(parseModelName(text))).toBe(shown));

  it.each([
    "",
    "bad name",
    "-dash",
    ".dot",
    "a/b/c/d",
    "ns.dot/a",
    "a:",
    "a//b",
    "a/..",
    "ünicode",
    "x".repeat(81),
    "a:../../etc",
  ])("%j is refused", (text) => expect(isValidModelName(text)).toBe(false));

  it("are the same whatever their letter case", () => {
    expect(sameModelName("NS/A:V1", "ns/a:v1")).toBe(true);
    expect(sameModelName("a", "a:latest")).toBe(true);
    expect(sameModelName("a", "b")).toBe(false);
  });

  it.each(["a:cloud", "a:local", "a:7b-cloud", "a:anneal-x"])("%s cannot be served", (text) => {
    let code: unknown = null;
    try {
      parseServedName(text);
    } catch (error) {
      code = isOllamaError(error) ? error.code : error;
    }
    expect(code).toBe("OLLAMA_NAME_INVALID");
  });

  it("have places of their own beside them, valid and known again", () => {
    const name = parseModelName(`ns/${"m".repeat(80)}:v1`);
    for (const slot of [stagingName(name, "f"), previousName(name)]) {
      expect(isValidModelName(slot)).toBe(true);
      expect(isAnnealSlot(slot)).toBe(true);
    }
    expect(stagingName(name, "f")).not.toBe(stagingName(name, "g"));
  });
});
