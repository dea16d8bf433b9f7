import { describe, expect, it } from "vitest";
import { byteTokenizerJson } from "../testing/byte-model.ts";
import { TextError } from "../text-error.ts";
import { tokenizerFromHuggingFace } from "./from-hf.ts";

const json = (changes: Record<string, unknown>) => ({ ...byteTokenizerJson([]), ...changes });
const replaceAll = (content: string) => ({ type: "Replace", pattern: { Regex: "." }, content });
const repeated = <T>(count: number, step: T): T[] => Array.from({ length: count }, () => step);
const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: false };
const single = { type: "Split", pattern: { Regex: "." }, behavior: "Isolated" };

/** Reads a text there and back. */
function read(changes: Record<string, unknown>, text = "some words of a row"): string {
  const tokenizer = tokenizerFromHuggingFace(json(changes));
  tokenizer.encodeGuarded(text, [{ start: 0, end: text.length }]);
  return tokenizer.decode(tokenizer.encode(text, { parseSpecial: true }));
}

describe("a step that makes far more text than it got is stopped, by the part's name", () => {
  it.each([
    [
      "four Replace of x100",
      "normalizer",
      { normalizer: { type: "Sequence", normalizers: repeated(4, replaceAll("x".repeat(100))) } },
    ],
    ["one Replace of x4000", "normalizer", { normalizer: replaceAll("x".repeat(4000)) }],
    ["a Replace that puts in a megabyte", "normalizer.content", { normalizer: replaceAll("x".repeat(1 << 20)) }],
    ["a Replace that puts in a list", "normalizer.content", { normalizer: { ...replaceAll(""), content: ["x"] } }],
    [
      "a Replace of nothing by much",
      "normalizer",
      { normalizer: { type: "Replace", pattern: { Regex: "x*" }, content: "y".repeat(2000) } },
    ],
    ["Prepend of 5 MB", "normalizer.prepend", { normalizer: { type: "Prepend", prepend: "x".repeat(5 << 20) } }],
    [
      "sixty Prepends",
      "normalizer",
      { normalizer: { type: "Sequence", normalizers: repeated(60, { type: "Prepend", prepend: "y".repeat(4000) }) } },
    ],
    [
      "a thousand steps",
      "normalizer",
      { normalizer: { type: "Sequence", normalizers: repeated(1000, { type: "NFC" }) } },
    ],
    [
      "NFKD of NFKD of a long ligature, doubled",
      "normalizer",
      {
        normalizer: {
          type: "Sequence",
          normalizers: [
            { type: "NFKD" },
            replaceAll("\ufdfa"),
            { type: "NFKD" },
            replaceAll("\ufdfa"),
            { type: "NFKD" },
          ],
        },
      },
    ],
    [
      "a Metaspace of many characters",
      "pre_tokenizer.replacement",
      { pre_tokenizer: { ...metaspace, replacement: "_".repeat(500) } },
    ],
    [
      "a Metaspace before every letter, over and over",
      "pre_tokenizer",
      {
        pre_tokenizer: {
          type: "Sequence",
          pretokenizers: repeated(12, [single, metaspace, single, { ...metaspace, replacement: "b" }]).flat(),
        },
      },
    ],
    [
      "a thousand pre-tokenizers",
      "pre_tokenizer",
      { pre_tokenizer: { type: "Sequence", pretokenizers: repeated(1000, single) } },
    ],
    [
      "a decoder's Replace chain",
      "decoder",
      {
        decoder: {
          type: "Sequence",
          decoders: repeated(5, { type: "Replace", pattern: { String: "x" }, content: "x".repeat(200) }),
        },
      },
    ],
    [
      "a decoder's Replace of nothing",
      "decoder",
      { decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "" }, content: "x" }] } },
    ],
    [
      "a decoder's Strip of nothing, 1e15 times",
      "decoder.content",
      { decoder: { type: "Sequence", decoders: [{ type: "Strip", content: "", start: 1e15, stop: 1e15 }] } },
    ],
  ])("%s", (_, field, changes) => {
    const run = () => read(changes, "some words of a row, x and xx");
    expect(run).toThrow(TextError);
    expect(run).toThrow(new RegExp(`^tokenizer.json ${field.replace(".", "\\.")}: `));
  });

  it("leaves what tokenizers really do alone", () => {
    expect(read({ normalizer: { type: "NFKD" } }, "\ufdfa".repeat(500))).toHaveLength(9000);
    const spaces = { type: "Replace", pattern: { String: " " }, content: "\u2581" };
    expect(
      read({ normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "\u2581" }, spaces] } }, "a b"),
    ).toBe("\u2581a\u2581b");
  });
});

describe("what changes a text's tokens and is not known is refused by name", () => {
  it.each([
    ["post_processor", { post_processor: { type: "Other" } }],
    ["post_processor", { post_processor: { type: "Sequence", processors: [{ type: "ByteLevel" }, { type: "Wrap" }] } }],
    [
      "post_processor",
      { post_processor: { type: "TemplateProcessing", single: [{ Token: { id: "a" } }], special_tokens: {} } },
    ],
    [
      "post_processor",
      {
        post_processor: {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "a" } }],
          special_tokens: { a: { ids: ["x"] } },
        },
      },
    ],
    ["post_processor", { post_processor: { type: "BertProcessing", cls: ["a", -1], sep: ["b", 2] } }],
    ["model.dropout", { model: { ...byteTokenizerJson([]).model, dropout: 0.1 } }],
  ])("%s %j", (field, changes) => {
    expect(() => tokenizerFromHuggingFace(json(changes))).toThrow(new RegExp(`^tokenizer.json ${field}: `));
  });

  it.each(["((a{0,500}){0,500}){0,500}b", "(a{0,30}){0,30}b", "(x+){0,40}y", "(\\w+)+\\d"])(
    "the pattern %s",
    (Regex) => {
      const pre_tokenizer = { type: "Split", pattern: { Regex }, behavior: "Isolated" };
      expect(() => tokenizerFromHuggingFace(json({ pre_tokenizer }))).toThrow(/repeats a repetition/);
    },
  );
});
