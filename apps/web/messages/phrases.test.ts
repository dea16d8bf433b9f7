import { inWords, issuePhrase, RunSpec, reasonKey, say } from "@anneal/contracts";
import { describe, expect, it } from "vitest";
import { leaves } from "../features/new-run/spec/paths.ts";
import { defaultSpec } from "../features/new-run/spec/spec-form.ts";
import { bareRefusals, saidPatterns } from "./phrase-sources.ts";
import { phrases } from "./phrases.ts";
import zhPhrases from "./zh-CN/phrases.json";

const patterns = saidPatterns();
const places = (pattern: string) => [...new Set(pattern.match(/\{\d+\}/g))].sort();
// English is the pattern itself.
const others = [["zh-CN", zhPhrases as Record<string, string>]] as const;

describe("what the API says", () => {
  it("is found in the source", () => {
    expect(patterns.size).toBeGreaterThan(500);
    expect(patterns).toContain("there is no {0} {1}"); // a verb's refusal
    expect(patterns).toContain("the row has {0} [field|fields], the header row {1}"); // a bad line
    expect(patterns).toContain("choose a base model"); // a check of zod
  });
  it("makes no plural by an s behind a value", () => {
    expect([...patterns].filter((pattern) => /\{\d+\}s\b/.test(pattern))).toEqual([]);
  });
  it("is a phrase wherever something is refused", () => {
    expect(bareRefusals()).toEqual([]);
  });
  it.each(others)("has an entry in %s, and no entry without a pattern", (_locale, catalogue) => {
    expect([...patterns].filter((pattern) => !Object.hasOwn(catalogue, pattern))).toEqual([]);
    expect(Object.keys(catalogue).filter((pattern) => !patterns.has(pattern))).toEqual([]);
  });
  it.each(others)("keeps its values in %s", (_locale, catalogue) => {
    const differing = Object.entries(catalogue).filter(([en, other]) => places(en).join() !== places(other).join());
    expect(differing).toEqual([]);
  });
  it("is Chinese in zh-CN wherever it has words", () => {
    const english = Object.entries(zhPhrases).filter(
      ([en, zh]) => /[a-z]{3}/i.test(en) && !/\p{Script=Han}/u.test(zh) && !properNames.has(en),
    );
    expect(english).toEqual([]);
  });
});

describe("a phrase in English", () => {
  const { en } = phrases;
  it("names fields as the form does", () => {
    expect(inWords(say`needs the best checkpoint; switch checkpoints.keepBest on`, en)).toBe(
      "needs the best checkpoint; switch “Keep the best checkpoint” on",
    );
    expect(inWords(say`sourceWeights: no row comes from ${"forum"}`, en)).toBe("no row comes from forum");
    expect(inWords(say`there is no run ${"checkpoints.keepBest"}`, en)).toBe("there is no run checkpoints.keepBest");
    expect(Object.keys(en).length).toBeGreaterThan(30);
  });
  it("names none as programs do", () => {
    const said = [...patterns].map((pattern) => en[pattern] ?? pattern);
    const paths = leaves(defaultSpec).map(([path]) => path.replaceAll(".", "\\."));
    const named = new RegExp(`(?<![\\w.])(?:${paths.filter((path) => /[A-Z.]/.test(path)).join("|")})(?!\\w)`);
    expect(said.filter((text) => named.test(text))).toEqual([]);
  });
  it("keeps its values", () => {
    const differing = Object.entries(en).filter(
      ([pattern, text]) => !pattern.startsWith(reasonKey("")) && places(pattern).join() !== places(text).join(),
    );
    expect(differing).toEqual([]);
  });
});

// Only a name of the field and values.
const properNames = new Set(["plateau {0}"]);

describe("a phrase in Chinese", () => {
  const zh = phrases["zh-CN"];
  it("is said with its values, nested phrases included", () => {
    expect(inWords(say`there is no ${say`run`} ${"r1"}`, zh)).toBe("没有任务 r1");
    expect(inWords(say`${"dataset"}: ${say`${"a.csv"} is empty`}`, zh)).toBe("dataset：a.csv 是空的");
  });
  it("says every rule of a spec", () => {
    const spec = { base: "ollama:demo", dataset: "01890000-0000-7000-8000-000000000000" };
    const broken = RunSpec.safeParse({
      ...spec,
      microBatchTokens: 16,
      checkpoints: { keepBest: false, restoreBest: true },
    });
    const said = broken.error?.issues.map((issue) => inWords(issuePhrase(issue), zh));
    expect(said).toEqual([
      "每次计算 16 个 token 容纳不下一条长 1024 的序列；请提高“每次计算的 token 数”，或调低“最长行（token）”",
      "需要最佳检查点；请开启“保留最佳检查点”",
    ]);
  });
});
