import { describe, expect, it } from "vitest";
import { causeInWords, EngineCause, engineProblemOf } from "./engine-cause.ts";
import { inWords, Phrase, say, wordsOfError } from "./phrase.ts";

const missing: EngineCause = { reason: "tensor_missing", args: { tensor: "a.weight" } };

describe("what the engine says", () => {
  it("is the sentence of its reason, with sentences within it", () => {
    expect(causeInWords(missing)).toBe("tensor a.weight is missing");
    expect(
      causeInWords({
        reason: "json_malformed",
        args: { problem: { reason: "json_key_twice", args: { key: '"a"' } }, at: 7 },
      }),
    ).toBe('JSON has the key "a" twice (byte 7)');
  });
  it("is said in the language of a catalogue", () => {
    expect(
      inWords(say`${"m.gguf"}: ${missing}`, { "engine.tensor_missing": "缺少 {tensor}", "{0}: {1}": "{0}：{1}" }),
    ).toBe("m.gguf：缺少 a.weight");
  });
  it("shows reason and values where the reason is not known, as an older console meets it", () => {
    expect(causeInWords({ reason: "quite_new", args: { b: 2, a: missing } })).toBe(
      "quite_new, a tensor a.weight is missing, b 2",
    );
    expect(causeInWords({ reason: "constructor", args: {} })).toBe("constructor");
  });
  it("is stored with its reason and comes back", () => {
    const words = say`${"m.gguf"}: ${missing}`;
    expect(Phrase.parse(JSON.parse(JSON.stringify(words)))).toEqual(words);
    expect(EngineCause.safeParse({ reason: "x", args: { a: null } }).success).toBe(false);
  });
});

describe("an error of the engine", () => {
  it("is known by its shape", () => {
    const parts = { code: "ENGINE_FORMAT", reason: "missing", where: "a.json", args: {} };
    expect(engineProblemOf(Object.assign(new Error("x"), parts))).toEqual(parts);
    expect(engineProblemOf(Object.assign(new Error("x"), { ...parts, code: "ENOENT" }))).toBeNull();
    expect(engineProblemOf(new Error("ENGINE_FORMAT"))).toBeNull();
  });
  it("of an older run is plain text", () => {
    expect(wordsOfError(new Error("m.gguf: tensor x is missing"))).toBe("m.gguf: tensor x is missing");
  });
});
