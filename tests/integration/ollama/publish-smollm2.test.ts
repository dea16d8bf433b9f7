import { publish } from "@anneal/ollama";
import { encodePrompt, loadTextModel } from "@anneal/text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readGgufMetadata } from "../../support/model-files/gguf-metadata.ts";
import { sharedPath } from "../../support/paths.ts";
import { type Bench, openBench, optionsFor, realOllama } from "./support.ts";

const path = sharedPath("models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");

// The server swaps this model's template for one without its default system turn.
describe.skipIf(path === null)(`publishing SmolLM2 to ${realOllama ? "a real Ollama" : "the stand-in"}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    // llama.cpp on this model is for the real server; here its tokens and prompts are what counts.
    bench = await openBench({ answers: "marked" });
  });
  afterAll(() => bench.close());

  it("is served with the prompt that it was trained on, token for token", async () => {
    const file = path ?? "";
    const model = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(file) });
    const messages = [{ role: "user" as const, content: "The capital of France is" }];
    const result = await publish(
      optionsFor(bench.name("smollm2"), file, {
        promptTokens: { messages, count: encodePrompt(model, messages).length },
      }),
      { client: bench.client },
    );
    expect(result.templateSource).toBe("derived");
    const prompt = await bench.client.renderedPrompt(result.name, messages);
    expect(prompt).toContain("You are a helpful AI assistant named SmolLM");
    const answer = await bench.client.chat({
      model: result.name,
      messages,
      options: { temperature: 0, num_predict: 6 },
    });
    expect(answer.promptTokens).toBe(encodePrompt(model, messages).length);
    expect(answer.content).not.toBe("");
  });
});
