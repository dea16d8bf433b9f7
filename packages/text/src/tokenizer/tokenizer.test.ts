import { describe, expect, it } from "vitest";
import { ggufName } from "../model/export-metadata.ts";
import { byteModel, byteTokenizerJson } from "../testing/byte-model.ts";
import { tokenizerFromGguf } from "./from-gguf.ts";
import { tokenizerFromHuggingFace } from "./from-hf.ts";
import { ggufTokenizerMetadata } from "./to-gguf.ts";

// Expected ids and texts were given by the `tokenizers` library for the same tokenizer.json.
type Json = ReturnType<typeof byteTokenizerJson> & Record<string, unknown>;
const json = (changes: Record<string, unknown> = {}, added: Record<string, unknown>[] = []): Json => ({
  ...byteTokenizerJson([]),
  ...changes,
  added_tokens: added.map((token, i) => ({ id: 256 + i, special: false, normalized: false, ...token })) as never,
});
const ids = (tokenizerJson: unknown, text: string): number[] => [
  ...tokenizerFromHuggingFace(tokenizerJson).encode(text, { parseSpecial: true }),
];
const bytes = (text: string): number[] => [...Buffer.from(text)];

/** The same tokenizer through the metadata of a GGUF. */
const throughGguf = (tokenizerJson: unknown, name = "a model") => {
  const entries = Object.entries(ggufTokenizerMetadata(tokenizerJson));
  return tokenizerFromGguf({
    "general.name": name,
    ...Object.fromEntries(entries.map(([key, entry]) => [key, entry.value])),
  });
};

describe("added tokens", () => {
  it("are found in white space that the one before takes along", () => {
    const both = json({}, [{ content: "<r>", rstrip: true }, { content: "  x" }]);
    expect(ids(both, "a<r>  x!")).toEqual([97, 256, 257, 33]);
    const tokenizer = tokenizerFromHuggingFace(both);
    expect([...tokenizer.encodeGuarded("a<r>  x!", []).ends]).toEqual([1, 6, 7, 8]);
  });

  it("of one word stand apart from letters beyond the first plane and from joiners", () => {
    const word = json({}, [{ content: "ab", single_word: true }]);
    expect(ids(word, "ab 𠮷")).toEqual([256, 32, ...bytes("𠮷")]);
    expect(ids(word, "ab𠮷")).toEqual(bytes("ab𠮷"));
    expect(ids(word, "ab\u200d")).toEqual(bytes("ab\u200d"));
  });

  it("that are special leave decoded text and are never read in people's text, the unknown token with them", () => {
    const unknown = json({}, [{ content: "<unk>", special: true }]);
    unknown.model = { ...unknown.model, unk_token: "<unk>" } as never;
    const tokenizer = tokenizerFromHuggingFace(unknown);
    expect(tokenizer.decode([97, 256, 98], { skipSpecial: true })).toBe("ab");
    expect([...tokenizer.encodeGuarded("<unk>", [{ start: 0, end: 5, source: 0 } as never]).ids]).toEqual(
      bytes("<unk>"),
    );
  });
});

describe("pre-tokenizers", () => {
  it("put the prefix before every piece", () => {
    const steps = [
      { type: "Digits", individual_digits: true },
      { type: "ByteLevel", add_prefix_space: true },
    ];
    expect(ids(json({ pre_tokenizer: { type: "Sequence", pretokenizers: steps } }), "a12")).toEqual(bytes(" a 1 2"));
  });

  it("cut where a pattern matches nothing", () => {
    const model = { type: "BPE", vocab: { ...byteTokenizerJson([]).model.vocab, ab: 256 }, merges: ["a b"] };
    const cut = (Regex: string) => ({
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex }, behavior: "Isolated" },
        { type: "ByteLevel", use_regex: false },
      ],
    });
    expect(ids(json({ model, pre_tokenizer: cut("(?=b)") }), "ab")).toEqual([97, 98]);
    expect(ids(json({ model, pre_tokenizer: cut("(?=c)") }), "ab")).toEqual([256]);
  });

  it("refuse a step after ByteLevel", () => {
    const pretokenizers = [{ type: "ByteLevel" }, { type: "Digits" }];
    expect(() => ids(json({ pre_tokenizer: { type: "Sequence", pretokenizers } }), "a")).toThrow("after ByteLevel");
  });
});

describe("normalizers", () => {
  it("know no characters later than Unicode 11, and lower character by character", () => {
    expect(ids(json({ normalizer: { type: "NFKC" } }), "㋿ ㋀")).toEqual(bytes("㋿ 1月"));
    expect(ids(json({ normalizer: { type: "NFC" } }), "\u{11935}\u{11930}e\u0301")).toEqual(
      bytes("\u{11935}\u{11930}é"),
    );
    expect(ids(json({ normalizer: { type: "Lowercase" } }), "ΟΔΟΣ")).toEqual(bytes("οδοσ"));
  });
});

describe("decoders", () => {
  it("join by spaces where none is named; Metaspace drops all of the first token's", () => {
    const vocab = { "▁▁a": 0, "▁b": 1 };
    const of = (decoder: unknown) =>
      tokenizerFromHuggingFace({ model: { type: "BPE", vocab, merges: [] }, decoder }).decode([0, 1]);
    expect(of(null)).toBe("▁▁a ▁b");
    expect(of({ type: "Metaspace", replacement: "▁", prepend_scheme: "always" })).toBe("a b");
  });
});

describe("GGUF", () => {
  it("tells stripping control tokens by the model's name, which an export chooses so", () => {
    const phi = json({}, [{ content: "<|user|>", special: true, rstrip: true }]);
    expect([...throughGguf(phi, "Phi3 mini").encode("<|user|>\na", { parseSpecial: true })]).toEqual([256, 97]);
    expect([...throughGguf(phi).encode("<|user|>\na", { parseSpecial: true })]).toEqual([256, 10, 97]);
    const strips = { ...byteModel(), tokenizer: tokenizerFromHuggingFace(phi) };
    expect(ggufName(strips, "desk")).toBe("desk (phi-3)");
    expect(ggufName(byteModel(), "my-phi3-desk")).toBe("my-phi 3-desk");
  });

  it("takes what ends a text as a control token, whatever the file calls it", () => {
    const tokenizer = throughGguf(json({}, [{ content: "</s>" }]));
    expect([...tokenizer.encode("</s>", { parseSpecial: false })]).toEqual(bytes("</s>"));
  });

  it("names a pre-tokenizer whatever it says of looking words up first, where merging finds them all", () => {
    const pattern = { Regex: "\\p{N}{1,3}" };
    const pre_tokenizer = { type: "Sequence", pretokenizers: [{ type: "ByteLevel", add_prefix_space: false }] };
    const model = (extra: object) => ({ type: "BPE", ignore_merges: true, ...extra });
    const { vocab } = byteTokenizerJson([]).model;
    const reached = json({ pre_tokenizer, model: model({ vocab: { ...vocab, ab: 256 }, merges: ["a b"] }) });
    expect(ggufTokenizerMetadata(reached)["tokenizer.ggml.pre"]).toMatchObject({ value: "gpt-2" });
    const unreached = json({ pre_tokenizer, model: model({ vocab: { ...vocab, ab: 256 }, merges: [] }) });
    expect(() => ggufTokenizerMetadata(unreached)).toThrow("has no name");
    expect(() => ggufTokenizerMetadata(json({ pre_tokenizer: { type: "Split", pattern } }))).toThrow("has no name");
  });

  it("refuses a normalizer that llama.cpp has not", () => {
    expect(() => ggufTokenizerMetadata(json({ normalizer: { type: "NFKC" } }))).toThrow('nothing like "NFKC"');
    expect(() => ggufTokenizerMetadata(json({ normalizer: { type: "NFC" } }))).not.toThrow();
  });
});
