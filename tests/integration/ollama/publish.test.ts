import {
  isOllamaError,
  OllamaError,
  type PublishProgress,
  publish,
  reconcile,
  rollback,
  unpublish,
} from "@anneal/ollama";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordedModels } from "../../support/ollama-standin/recorded/recorded-models.ts";
import { smolTemplate } from "../../support/ollama-standin/recorded/tiny-llama.ts";
import { modelBytes } from "../../support/ollama-standin/recorded/write-model.ts";
import { type Bench, openBench, optionsFor, realOllama } from "./support.ts";

const bytes = (name: string): Buffer => recordedModels[name]?.() ?? Buffer.alloc(0);
const withTemplate = (text: string): Buffer =>
  modelBytes({ type: "F16", fileType: 1, replace: { template: { text } }, name: "tiny" });

async function failure(work: Promise<unknown>): Promise<OllamaError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OllamaError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe(`publishing to ${realOllama ? "a real Ollama" : "the stand-in"}`, () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("serves a model under its name, proven, and leaves nothing else behind", async () => {
    const path = await bench.file("plain", bytes("tpl_chatml"));
    const seen: PublishProgress[] = [];
    const result = await publish(optionsFor(bench.name("plain"), path), {
      client: bench.client,
      onProgress: (progress) => seen.push(progress),
    });
    expect(result).toMatchObject({ templateSource: "server", unchanged: false, uploaded: true, previousDigest: null });
    expect(result.answer.answerTokens).toBeGreaterThan(0);
    expect(await bench.listed("plain")).toEqual([`${bench.name("plain")}:latest`]);
    const shown = await bench.client.show(result.name);
    expect(shown.parameters).toContain("<|im_end|>");
    const fractions = seen.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ phase: "clean", fraction: 1 });
    expect(new Set(seen.map(({ phase }) => phase)).size).toBe(10);
  });

  it("does no work twice: the same publication again changes nothing", async () => {
    const path = await bench.file("plain", bytes("tpl_chatml"));
    const before = await bench.client.tags();
    const result = await publish(optionsFor(bench.name("plain"), path), { client: bench.client });
    expect(result).toMatchObject({ unchanged: true, uploaded: false });
    expect(result.digest).toBe(before.find(({ name }) => name === result.name)?.digest);
  });

  it("sends a template that renders as ours where the server would swap it for its own", async () => {
    const path = await bench.file("swapped", bytes("f16"));
    const options = optionsFor(bench.name("swapped"), path);
    const result = await publish(options, { client: bench.client });
    expect(result.templateSource).toBe("derived");
    expect((await bench.client.show(result.name)).template).toBe(result.template);
    for (const { messages, rendered, required } of options.conversations)
      if (required) expect(await bench.client.renderedPrompt(result.name, messages)).toBe(rendered);
    // What stays different is told, and is none of what matters.
    expect(result.toleratedDifferences.every(({ required }) => !required)).toBe(true);
  });

  it("keeps the file's own template where the server takes it as it is", async () => {
    const path = await bench.file("native", bytes("native"));
    const result = await publish(optionsFor(bench.name("native"), path), { client: bench.client });
    expect(result).toMatchObject({ templateSource: "server", template: null });
  });

  it("sends the system text, and both sides render it", async () => {
    const path = await bench.file("system", bytes("f16"));
    const options = optionsFor(bench.name("system"), path, { system: "Name the intent of the customer's message." });
    const result = await publish(options, { client: bench.client });
    expect((await bench.client.show(result.name)).system).toBe(options.system);
    expect(await bench.client.renderedPrompt(result.name, [{ role: "user", content: "Hi" }])).toContain(
      "Name the intent",
    );
  });

  it("stops with the first differing byte when a given template renders otherwise", async () => {
    const path = await bench.file("given", bytes("f16"));
    const template =
      "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n";
    const error = await failure(publish(optionsFor(bench.name("given"), path, { template }), { client: bench.client }));
    expect(error.code).toBe("OLLAMA_RENDER_MISMATCH");
    expect(error.message).toMatch(/differs from byte 12 on: trained with ".*system.*served with ".*user/s);
    expect(await bench.listed("given")).toEqual([]);
  });

  it("says why no template could be derived when the server's own differs", async () => {
    const numbered = smolTemplate.replace("message['content'] +", "loop.index|string + message['content'] +");
    const path = await bench.file("numbered", withTemplate(numbered));
    const error = await failure(publish(optionsFor(bench.name("numbered"), path), { client: bench.client }));
    expect(error.code).toBe("OLLAMA_RENDER_MISMATCH");
    expect(error.message).toContain("no Go template could be derived");
    expect(await bench.listed("numbered")).toEqual([]);
  });

  it("takes an error line under HTTP 200 for a failure, and the name keeps its old model", async () => {
    const good = await bench.file("kept", bytes("tpl_chatml"));
    const { digest } = await publish(optionsFor(bench.name("kept"), good), { client: bench.client });
    const bad = await bench.file("kept-bad", bytes("truncated_half"));
    const options = { ...optionsFor(bench.name("kept"), good), ggufPath: bad };
    const error = await failure(publish(options, { client: bench.client }));
    expect(error).toMatchObject({ code: "OLLAMA_CREATE_FAILED", status: 200 });
    expect(error.detail).toContain("exceeds file size");
    const listed = await bench.client.tags();
    expect(listed.find(({ name }) => name === `${bench.name("kept")}:latest`)?.digest).toBe(digest);
    expect(await bench.listed("kept")).toHaveLength(1);
  });

  it("does not serve a model that was created but cannot be loaded", async () => {
    const good = await bench.file("loads", bytes("f16"));
    const path = await bench.file("unloadable", bytes("no_head_count"));
    const options = { ...optionsFor(bench.name("unloadable"), good), ggufPath: path };
    const error = await failure(publish(options, { client: bench.client }));
    expect(error.code).toBe("OLLAMA_LOAD_FAILED");
    expect(error.message).toContain("attn_q");
    expect(await bench.listed("unloadable")).toEqual([]);
  });

  it("does not serve a model whose prompts have another number of tokens", async () => {
    const path = await bench.file("counted", bytes("add_bos_true"));
    const count = { messages: [{ role: "user", content: "Hello" }], count: 7 };
    const error = await failure(
      publish(optionsFor(bench.name("counted"), path, { promptTokens: count }), { client: bench.client }),
    );
    expect(error.code).toBe("OLLAMA_TOKEN_MISMATCH");
    expect(await bench.listed("counted")).toEqual([]);
  });

  it("keeps what a publication replaces, and puts it back, and forth again", async () => {
    const first = await bench.file("first", bytes("tpl_chatml"));
    const second = await bench.file("second", bytes("f16b"));
    const name = bench.name("rolled");
    const one = await publish(optionsFor(name, first), { client: bench.client });
    const two = await publish(optionsFor(name, second), { client: bench.client });
    expect(two.previousDigest).toBe(one.digest);
    const back = await rollback(bench.client, name, one.digest);
    expect(back).toMatchObject({ digest: one.digest, previousDigest: two.digest });
    const forth = await rollback(bench.client, name, two.digest);
    expect(forth).toMatchObject({ digest: two.digest, previousDigest: one.digest });
    expect(await rollback(bench.client, name, two.digest)).toMatchObject({ digest: two.digest });
    const gone = await failure(rollback(bench.client, name, "0".repeat(64)));
    expect(gone.code).toBe("OLLAMA_NOT_FOUND");
    expect(await unpublish(bench.client, name)).toBe(true);
    expect(await bench.listed("rolled")).toEqual([]);
  });

  it("two publications of one model at once both end well", async () => {
    const path = await bench.file("twice", bytes("f16"));
    const results = await Promise.all(
      [1, 2].map(() => publish(optionsFor(bench.name("twice"), path), { client: bench.client })),
    );
    expect(new Set(results.map(({ digest }) => digest)).size).toBe(1);
    expect(await bench.listed("twice")).toEqual([`${bench.name("twice")}:latest`]);
  });

  it("two models published under one name at once: the name stands for one of them, whole", async () => {
    const paths = [await bench.file("race-a", bytes("tpl_chatml")), await bench.file("race-b", bytes("f16b"))];
    const results = await Promise.all(
      paths.map((path) => publish(optionsFor(bench.name("race"), path), { client: bench.client })),
    );
    const name = `${bench.name("race")}:latest`;
    const digest = (await bench.client.tags()).find((model) => model.name === name)?.digest;
    expect(results.map((result) => result.digest)).toContain(digest);
    expect(
      (
        await bench.client.chat({
          model: name,
          messages: [{ role: "user", content: "x" }],
          options: { num_predict: 2 },
        })
      ).answerTokens,
    ).toBeGreaterThan(0);
    expect((await bench.listed("race")).filter((listed) => !listed.includes("previous"))).toEqual([name]);
  });

  it("tells a name that someone else wrote from one that is gone", async () => {
    const path = await bench.file("drift", bytes("tpl_chatml"));
    const { digest } = await publish(optionsFor(bench.name("drift"), path), { client: bench.client });
    const expected = [
      { id: "a", name: bench.name("drift"), digest },
      { id: "b", name: bench.name("nobody"), digest },
    ];
    const mine = (report: Awaited<ReturnType<typeof reconcile>>) => ({ ...report, leftovers: [] });
    expect(mine(await reconcile(bench.client, expected))).toMatchObject({
      present: [{ id: "a" }],
      missing: [{ id: "b" }],
    });
    await bench.client.create({ model: bench.name("drift"), from: bench.name("drift"), system: "changed by hand" });
    expect(mine(await reconcile(bench.client, expected))).toMatchObject({
      drifted: [{ id: "a", expected: digest }],
      present: [],
    });
    await bench.client.delete(bench.name("drift"));
    expect((await reconcile(bench.client, expected)).missing.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("says that nothing listens when there is no server", async () => {
    const path = await bench.file("alone", bytes("tpl_chatml"));
    const { OllamaClient } = await import("@anneal/ollama");
    const client = new OllamaClient(new URL("http://127.0.0.1:1/"));
    const error = await failure(publish(optionsFor("alone", path), { client }));
    expect(isOllamaError(error, "OLLAMA_UNREACHABLE")).toBe(true);
    expect(error.transient).toBe(true);
  });
});
