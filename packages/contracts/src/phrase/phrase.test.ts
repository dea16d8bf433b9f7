import { describe, expect, it } from "vitest";
import { ServiceError } from "../errors.ts";
import { RunSpec } from "../spec/run-spec.ts";
import { issuePhrase } from "./issue-phrase.ts";
import { inWords, Phrase, say, told, withoutField, wordsOf, wordsOfError } from "./phrase.ts";

const german = {
  "there is no {0} {1}": "es gibt kein {0} {1}",
  "{1} of {0}": "{0} hat {1}",
  run: "Lauf",
};

describe("a phrase", () => {
  const phrase = say`there is no ${say`run`} ${7}`;
  it("is its English sentence", () => {
    expect(inWords(phrase)).toBe("there is no run 7");
    expect(inWords("as it came {0}")).toBe("as it came {0}");
  });
  it("is said by a catalogue, and in English where that has no entry", () => {
    expect(inWords(phrase, german)).toBe("es gibt kein Lauf 7");
    expect(inWords(say`there is no ${say`dataset`} ${7}`, german)).toBe("es gibt kein dataset 7");
  });
  it("expands no places in its values, nor takes an inherited name for an entry", () => {
    expect(inWords(say`${"{1}"} and ${"b"}`)).toBe("{1} and b");
    expect(inWords(say`constructor`, {})).toBe("constructor");
  });
  it("travels as JSON", () => {
    expect(Phrase.parse(JSON.parse(JSON.stringify(phrase)))).toEqual(phrase);
    const numbers = say`${Number.NaN}, ${Number.NEGATIVE_INFINITY} and ${0.5}`;
    expect(inWords(Phrase.parse(JSON.parse(JSON.stringify(numbers))))).toBe("NaN, -Infinity and 0.5");
  });
});

describe("texts with their phrases", () => {
  it("keep the English sentence beside them", () => {
    const texts = told({ message: say`row ${3} is empty`, remedy: null, name: "n" });
    expect(texts).toMatchObject({ message: "row 3 is empty", remedy: null, name: "n" });
    expect(wordsOf(texts, "message")).toEqual(say`row ${3} is empty`);
    expect(wordsOf(texts, "name")).toBe("n");
    expect(told({ message: "plain" })).toEqual({ message: "plain" });
  });
  it("come through a refusal and a problem", () => {
    const error = new ServiceError("NOT_FOUND", say`${"base"}: ${say`there is no model ${"m"}`}`, {
      field: "base",
      remedy: say`choose another`,
    });
    expect(error.message).toBe("base: there is no model m");
    expect(wordsOfError(error)).toEqual(error.problem.phrases?.message);
    expect(withoutField(wordsOfError(error), "base")).toEqual(say`there is no model ${"m"}`);
    expect(withoutField("base: gone", "base")).toBe("gone");
    expect(ServiceError.of(error.problem).problem).toEqual(error.problem);
    expect(wordsOfError(new Error("as it came"))).toBe("as it came");
  });
});

describe("a complaint of zod", () => {
  it("is a phrase that says what zod says", () => {
    const spec = {
      base: "x",
      dataset: 5,
      learningRate: 2,
      epochs: 0,
      precision: "f8",
      method: { kind: "lora", targets: [] },
    };
    const { error } = RunSpec.safeParse({ ...spec, publish: { name: "!" }, microBatchTokens: 16 });
    const issues = error?.issues ?? [];
    expect(issues.length).toBeGreaterThan(5);
    for (const issue of issues) expect(inWords(issuePhrase(issue))).toBe(issue.message);
    expect(issuePhrase({ message: "Too big: expected number to be <=1" })).toEqual(
      say`Too big: expected ${"number"} to be ${"<=1"}`,
    );
  });
});

describe("a count in a sentence", () => {
  const words = (count: number | string) => inWords(say`${"a.csv"} has ${count} bad [line|lines]`);
  it("takes the form that goes with it", () => {
    expect([words(0), words(1), words(2), words("1,000")]).toEqual([
      "a.csv has 0 bad lines",
      "a.csv has 1 bad line",
      "a.csv has 2 bad lines",
      "a.csv has 1,000 bad lines",
    ]);
  });
  it("leaves brackets without a choice as they are, and those in a value", () => {
    expect(inWords(say`the path ${"[a|b]"} holds one of * ? [ ] { }`)).toBe("the path [a|b] holds one of * ? [ ] { }");
  });
  it("is said by the other language's own rule", () => {
    expect(inWords(say`${2} [row|rows]`, { "{0} [row|rows]": "{0} 行" })).toBe("2 行");
  });
});
