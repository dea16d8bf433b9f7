import { describe, expect, it } from "vitest";
import { engineForms, engineWords } from "./engine-phrase.ts";
import { inWords, say } from "./phrase.ts";

describe("a sentence of the engine", () => {
  it("is its place and its cause", () => {
    expect(engineWords('config.json: model_type "bert" is not supported; supported are llama, qwen2')).toEqual(
      say`${"config.json"}: ${say`${'model_type "bert"'} is not supported; supported are ${"llama, qwen2"}`}`,
    );
    expect(engineWords('a.gguf: tensor "x": holds IQ1_S, which this engine cannot compute with')).toEqual(
      say`${'a.gguf: tensor "x"'}: ${say`holds ${"IQ1_S"}, which this engine cannot compute with`}`,
    );
    expect(engineWords("is GGUF version 9; versions 2 and 3 are read")).toEqual(
      say`is GGUF version ${"9"}; versions 2 and 3 are read`,
    );
  });
  it("holds a cause inside a cause", () => {
    expect(
      engineWords(
        "exportGguf: mlp_bias: llama.cpp has no biases in the feed-forward of llama; export a merged folder instead",
      ),
    ).toEqual(
      say`${"exportGguf: mlp_bias"}: ${say`${say`llama.cpp has no biases in the feed-forward of ${"llama"}`}; export a merged folder instead`}`,
    );
  });
  it("stays as it came where its cause is not known, and is the same sentence in any case", () => {
    expect(engineWords("something: quite new")).toBe("something: quite new");
    for (const form of engineForms) {
      const sentence = `f.gguf: ${form.replace(/\{(\d+)\}/g, "v$1")}`;
      const words = engineWords(sentence);
      expect(typeof words, form).toBe("object");
      expect(inWords(words)).toBe(sentence);
    }
  });
});
