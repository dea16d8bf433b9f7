import { engineReasons, inWords, reasonKey, say } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { nativeReasons, thrownReasons } from "./engine-sources.ts";
import { phrases } from "./phrases.ts";
import zh from "./zh-CN/engine.json";

const { thrown, unreadable } = thrownReasons();
const names = (sentence: string) =>
  [...new Set([...sentence.matchAll(/\{([a-z][a-z0-9_]*)\}/g)].map(([, name]) => name))].sort().join();
const catalogue = new Map(Object.entries(engineReasons));
const chinese = new Map(Object.entries(zh));

describe("what the engine throws", () => {
  it("is read from its sources, all of it", () => {
    expect(thrown.length).toBeGreaterThan(500);
    expect(unreadable).toEqual([]);
    expect(thrown.find(({ reason }) => reason === "tensor_missing")).toMatchObject({ args: ["tensor"] });
  });
  it("has its sentence in the catalogue, word for word", () => {
    const differing = thrown.filter(({ reason, pattern }) => catalogue.get(reason) !== pattern);
    expect(differing).toEqual([]);
  });
  it("gives the values that its sentence names, and no others", () => {
    expect(thrown.filter(({ pattern, args }) => names(pattern) !== args.join())).toEqual([]);
  });
  it("is all that the catalogue holds", () => {
    const reasons = new Set([...thrown.map(({ reason }) => reason), ...nativeReasons()]);
    expect([...catalogue.keys()].filter((reason) => !reasons.has(reason))).toEqual([]);
  });
  it("is said in Chinese with the same values", () => {
    expect([...catalogue.keys()].filter((reason) => !chinese.has(reason))).toEqual([]);
    expect([...chinese.keys()].filter((reason) => !catalogue.has(reason))).toEqual([]);
    expect([...catalogue].filter(([reason, en]) => names(en) !== names(chinese.get(reason) ?? ""))).toEqual([]);
    expect(
      [...chinese].filter(
        ([, sentence]) => /[a-z]/.test(sentence.replace(/\{\w+\}/g, "")) && !/\p{Script=Han}/u.test(sentence),
      ),
    ).toEqual([]);
  });
});

describe("an error of the engine in a console", () => {
  const error = say`${"config.json"}: ${{
    reason: "must_be_found",
    args: { expected: { reason: "a_number", args: {} }, found: "LORA" },
  }}`;
  it("is said in its language, sentences within it too", () => {
    expect(inWords(error)).toBe("config.json: must be a number, found LORA");
    expect(inWords(error, phrases["zh-CN"])).toBe("config.json：必须是 数字，找到的是 LORA");
  });
  it("names fields of a spec as the form does", () => {
    expect(phrases.en[reasonKey("plan_exceeds_budget")]).toContain("“");
  });
});
