import { describe, expect, it } from "vitest";
import { byteModel, byteTokenizerJson, controls } from "../testing/byte-model.ts";
import { ggufTokenizerMetadata } from "../tokenizer/to-gguf.ts";
import { exportTextMetadata } from "./export-metadata.ts";
import { decodeAnswer, encodePrompt } from "./prompt.ts";
import { loadTextModel } from "./text-model.ts";

describe("loadTextModel", () => {
  it("takes the model's own template and what it ends an answer with", () => {
    const model = byteModel({
      chatTemplate: "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
      files: { "generation_config.json": { eos_token_id: [257, 261, 999_999] } },
    });
    expect(model.templateOrigin).toBe("model");
    expect(model.stopTokens).toEqual([257, 256 + controls.indexOf("<|im_end|>"), 261]);
  });

  it("prefers chat_template.jinja's neighbour of several named templates", () => {
    const model = byteModel({
      files: {
        "tokenizer_config.json": {
          eos_token: { content: "</s>" },
          chat_template: [
            { name: "tool_use", template: "tool" },
            { name: "default", template: "plain" },
          ],
        },
      },
    });
    expect(model.templateSource).toBe("plain");
  });

  it("puts BOS before a chat only where the template does not", () => {
    const template = "{% for m in messages %}{{ m.content }}</s>{% endfor %}";
    expect(byteModel({ addsBos: true, chatTemplate: template }).addsBos).toBe(true);
    expect(byteModel({ addsBos: true, chatTemplate: `{{ bos_token }}${template}` }).addsBos).toBe(false);
    expect(byteModel({ addsBos: false, chatTemplate: template }).addsBos).toBe(false);
    const ids = encodePrompt(byteModel({ addsBos: true, chatTemplate: template }), [{ role: "user", content: "a" }]);
    expect(Array.from(ids)).toEqual([256, 97, 257]);
  });

  it("names what is missing or damaged", () => {
    expect(() => loadTextModel({ kind: "hf", dir: "/nonexistent" })).toThrow("tokenizer.json: is missing");
    expect(() => byteModel({ files: { "tokenizer_config.json": [1] } })).toThrow("tokenizer_config.json");
    expect(() => byteModel({ chatTemplate: "{% if %}" })).toThrow("chat template");
    expect(() => loadTextModel({ kind: "gguf", metadata: {} })).toThrow("tokenizer.ggml.model: is missing");
  });

  it("reads the same from GGUF, with the end-of-turn token that it names", () => {
    const entries = ggufTokenizerMetadata(byteTokenizerJson(controls, true), { bos_token: "<s>", eos_token: "</s>" });
    const metadata = {
      ...Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, entry.value])),
      "tokenizer.ggml.eot_token_id": 259n,
    };
    const model = loadTextModel({ kind: "gguf", metadata });
    expect(model.templateOrigin).toBe("chatml");
    expect(model.bosText).toBe("<s>");
    expect(model.addsBos).toBe(true);
    expect(model.stopTokens).toEqual([257, 259]);
    expect(exportTextMetadata({ kind: "gguf", metadata }, model)).toEqual({
      "tokenizer.ggml.eot_token_id": { type: "u32", value: 259 },
      "tokenizer.ggml.eos_token_ids": { type: "i32[]", value: Int32Array.from([257, 259]) },
      "tokenizer.chat_template": model.templateSource,
      "tokenizer.ggml.add_bos_token": true,
    });
  });
});

describe("decodeAnswer", () => {
  it("ends at the first stop token and shows no control tokens", () => {
    const model = byteModel();
    const ids = [
      ...Buffer.from("é ok"),
      256 + controls.indexOf("[INST]"),
      33,
      256 + controls.indexOf("<|im_end|>"),
      97,
    ];
    expect(decodeAnswer(model, ids)).toBe("é ok!");
  });
});
