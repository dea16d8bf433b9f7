import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { byteTokenizerJson, controls } from "../testing/byte-model.ts";
import { tokenizerFromGguf } from "../tokenizer/from-gguf.ts";
import { tokenizerFromHuggingFace } from "../tokenizer/from-hf.ts";
import { ggufTokenizerMetadata } from "../tokenizer/to-gguf.ts";
import { generationIds, textFiles } from "./export-files.ts";
import { exportTextMetadata } from "./export-metadata.ts";
import type { TextSource } from "./source.ts";
import { loadTextModel } from "./text-model.ts";

/** A folder of a model with byte tokens; what a file's value is null for is not there. */
function folder(files: Record<string, unknown>, special = controls): TextSource {
  const dir = mkdtempSync(join(tmpdir(), "anneal-ends-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const all = { "tokenizer.json": byteTokenizerJson(special), "tokenizer_config.json": {}, ...files };
  for (const [name, value] of Object.entries(all))
    writeFileSync(join(dir, name), typeof value === "string" ? value : JSON.stringify(value));
  return { kind: "hf", dir };
}
const valuesOf = (entries: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [
      key,
      typeof value === "object" && value !== null && "value" in value ? value.value : value,
    ]),
  );

describe("where an answer ends", () => {
  const turns = (end: string) =>
    `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}${end}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`;

  it.each<[string, Record<string, unknown>, number[], { eos: number; eot?: number; eom?: number }]>([
    [
      "a list in config.json and no generation_config.json",
      {
        "config.json": { bos_token_id: 256, pad_token_id: 257, eos_token_id: [257, 259] },
        "chat_template.jinja": turns("<|im_end|>"),
        "tokenizer_config.json": { eos_token: "</s>" },
      },
      [257, 259],
      { eos: 257, eot: 259 },
    ],
    [
      "the tokenizer's alone",
      { "tokenizer_config.json": { eos_token: "<|im_end|>" }, "chat_template.jinja": turns("<|im_end|>") },
      [259],
      { eos: 259 },
    ],
    [
      "the end of the turn by the template alone",
      { "tokenizer_config.json": { eos_token: "</s>" }, "chat_template.jinja": turns("[/INST]") },
      [257, 261],
      { eos: 257, eot: 261 },
    ],
    [
      "an end in generation_config.json that config.json lacks",
      {
        "config.json": { eos_token_id: 257 },
        "generation_config.json": { eos_token_id: [257, 261] },
        "chat_template.jinja": turns("<|im_end|>"),
        "tokenizer_config.json": { eos_token: "</s>" },
      },
      [257, 259, 261],
      { eos: 257, eot: 259, eom: 261 },
    ],
    [
      "the text's part of a configuration",
      {
        "config.json": { text_config: { eos_token_id: 261, pad_token_id: 256 } },
        "chat_template.jinja": turns("<|im_end|>"),
      },
      [259, 261],
      { eos: 259, eot: 261 },
    ],
  ])("is taken from %s into folders and GGUFs", (_where, files, ends, named) => {
    const source = folder(files);
    const model = loadTextModel(source);
    expect([generationIds(source, model).eos_token_id].flat()).toEqual(ends);
    const metadata = valuesOf(exportTextMetadata(source, model));
    expect(metadata["tokenizer.ggml.eos_token_id"]).toBe(named.eos);
    expect(metadata["tokenizer.ggml.eot_token_id"]).toBe(named.eot);
    expect(metadata["tokenizer.ggml.eom_token_id"]).toBe(named.eom);
    expect(loadTextModel({ kind: "gguf", metadata }).stopTokens).toEqual(ends);
  });

  it("stands with what begins and fills a text", () => {
    const source = folder({
      "config.json": { bos_token_id: 256, pad_token_id: 257, eos_token_id: [257, 259] },
      "tokenizer_config.json": { bos_token: "<s>", eos_token: "</s>" },
    });
    expect(generationIds(source, loadTextModel(source))).toEqual({
      bos_token_id: 256,
      pad_token_id: 257,
      eos_token_id: [257, 259],
    });
  });
});

describe("files beside weights", () => {
  it("hold the template that was trained, and no other", () => {
    const source = folder({
      "tokenizer_config.json": { eos_token: "</s>", chat_template: "old", model_max_length: 64 },
    });
    const model = loadTextModel(source, { template: "{{ messages[0].content }} é\n" });
    const files = textFiles(source, model);
    expect(files["chat_template.jinja"]).toBe("{{ messages[0].content }} é\n");
    expect(JSON.parse(files["tokenizer_config.json"] ?? "")).toEqual({
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: "</s>",
      model_max_length: 64,
    });
    expect(files["tokenizer.json"]).toBeUndefined();
  });

  const texts = ["Hello, world!", "  two spaces", "<|im_start|>user\nnaïve 🦊 1234<|im_end|>\n", "a\n\nb\tc", "</s>x"];
  const sentencePiece = {
    model: {
      type: "BPE",
      vocab: Object.fromEntries(
        [
          "<unk>",
          "<s>",
          "</s>",
          ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`),
          "▁",
          "a",
          "b",
          "l",
          "o",
          "lo",
          "▁a",
          "ab",
          "▁lo",
          "▁▁",
        ].map((t, i) => [t, i]),
      ),
      merges: ["l o", "▁ a", "a b", "▁ lo", "▁ ▁"],
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
    },
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true, normalized: false })),
  };
  it.each<[string, unknown]>([
    ["bytes", byteTokenizerJson(controls, true)],
    ["words of SentencePiece", sentencePiece],
    [
      "words of SentencePiece without a space in front",
      { ...sentencePiece, normalizer: sentencePiece.normalizer.normalizers[1] },
    ],
  ])("read %s as the GGUF does that they come from", (_kind, json) => {
    const entries = ggufTokenizerMetadata(json, { bos_token: "<s>", eos_token: "</s>" });
    const metadata = valuesOf(entries);
    const source: TextSource = { kind: "gguf", metadata };
    const files = textFiles(source, loadTextModel(source));
    const original = tokenizerFromGguf(metadata);
    const written = tokenizerFromHuggingFace(
      JSON.parse(files["tokenizer.json"] ?? ""),
      JSON.parse(files["tokenizer_config.json"] ?? ""),
    );
    expect(written).toMatchObject({ bosId: original.bosId, eosId: original.eosId, prefixIds: original.prefixIds });
    for (const text of [...texts, "lo ab  alo", "blob"])
      for (const parseSpecial of [true, false]) {
        const ids = original.encode(text, { parseSpecial });
        expect([...written.encode(text, { parseSpecial })], text).toEqual([...ids]);
        expect(written.decode(ids)).toBe(original.decode(ids));
      }
  });

  it("name tokens of the same text apart", () => {
    const metadata = valuesOf(
      ggufTokenizerMetadata(byteTokenizerJson(controls), { eos_token: "</s>" }, { vocabularySize: 270 }),
    );
    const tokens = metadata["tokenizer.ggml.tokens"] as string[];
    tokens[269] = tokens[97] as string;
    const source: TextSource = { kind: "gguf", metadata };
    const json = JSON.parse(textFiles(source, loadTextModel(source))["tokenizer.json"] ?? "");
    expect(Object.keys(json.model.vocab)).toHaveLength(270);
    expect(json.model.vocab["[UNUSED269]"]).toBe(269);
  });
});
