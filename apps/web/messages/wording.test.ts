import { describe, expect, it } from "vitest";
import { messages } from "./index.ts";
import { phrases } from "./phrases.ts";

type Tree = { [key: string]: string | Tree };

const texts = (tree: Tree, prefix = ""): [key: string, text: string][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [[prefix + key, value] as [string, string]] : texts(value, `${prefix}${key}.`),
  );
const en = texts(messages.en as Tree);
const zh = [...texts(messages["zh-CN"] as Tree), ...Object.entries(phrases["zh-CN"])];

const having = (all: readonly [string, string][], words: RegExp) => all.filter(([, text]) => words.test(text));

// What ICU reads is no punctuation of the sentence: {count, plural, other {# 行}}.
const said = (text: string) => text.replace(/\{\w+, (?:plural|number|select)[^{}]*/g, "{");

describe("the English of the console", () => {
  it("uses the words of the field, not translated ones", () => {
    const banned =
      /\b(?:mend(?:s|ed)?|borne|parted by|lies on|lies in|goes on|go on (?:from|without)|so many|whom|too many tries|asleep)\b/i;
    expect(having(en, banned)).toEqual([]);
    expect(
      having(
        Object.keys(phrases["zh-CN"]).map((text) => [text, text]),
        /\b(?:mends?|borne|parted by|so many|whom)\b/i,
      ),
    ).toEqual([]);
  });
  it("makes plurals by rule", () => {
    expect(having(en, /\}\s?\(?s\)?\b(?!\w)/)).toEqual([]);
    expect(en.filter(([, text]) => /\bplural,/.test(text) && !/\bother \{/.test(text))).toEqual([]);
  });
});

// One thing has one name.
const synonyms: Record<string, RegExp> = {
  模型注册表: /登记表|(?<!模型)注册表/,
  对话模板: /聊天模板/,
  token: /词元/,
  文件夹: /目录/,
  模型系列: /家族/,
  回答: /答案/,
  基础模型: /基座/,
  "优选、劣选": /被选中|被拒绝的/,
  验证集: /留出/,
  教师输出文件: /教师的记录/,
  格式错误的行: /坏行/,
  表头: /标题行/,
  完全匹配: /完全一致/,
};

describe("the Chinese of the console", () => {
  it.each(Object.entries(synonyms))("says %s and nothing else for it", (_word, others) => {
    expect(having(zh, others)).toEqual([]);
  });
  it("takes full-width punctuation", () => {
    // A name with a colon in it (run:ID/名称) is code.
    const code = /(?:run|ollama):[\p{L}/]+|名称:标签/gu;
    const half = zh.filter(([, text]) =>
      /\p{Script=Han} ?[,;:!?()](?!\w)|\p{Script=Han}[,;:!?(] ?\p{Script=Han}|[,;!?(] ?\p{Script=Han}|\)\p{Script=Han}/u.test(
        said(text).replace(code, ""),
      ),
    );
    expect(half).toEqual([]);
  });
  it("quotes as Chinese does", () => {
    expect(having(zh, /[「」『』]|"(?:\{\d\}|\w+)"(?!:)/)).toEqual([]);
  });
});
