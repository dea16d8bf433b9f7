import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OllamaClient, type PublishOptions, parseOllamaHost, standardRenderCases } from "@anneal/ollama";
import { loadTextModel, renderChat } from "@anneal/text";
import { readGgufMetadata } from "../../support/model-files/gguf-metadata.ts";
import { type OllamaStandin, type StandinOptions, startOllamaStandin } from "../../support/ollama-standin/index.ts";

// A real server takes the place of the stand-in when its address is given.
export const realOllama = process.env.ANNEAL_TEST_OLLAMA ?? null;
export const onStandin = realOllama === null;

export interface Bench {
  client: OllamaClient;
  url: string;
  standin: OllamaStandin | null; // null: a real server
  folder: string;
  name(label: string): string; // a model name of this bench alone
  file(label: string, bytes: Buffer): Promise<string>;
  listed(label: string): Promise<string[]>; // names that the server has of a label
  close(): Promise<void>;
}

export async function openBench(options: StandinOptions = {}): Promise<Bench> {
  const standin = onStandin ? await startOllamaStandin(options) : null;
  const url = standin?.url ?? realOllama ?? "";
  const client = new OllamaClient(parseOllamaHost(url));
  const folder = await mkdtemp(join(tmpdir(), "publish-"));
  const own = randomBytes(4);
  const prefix = `anneal-test-${own.toString("hex")}`;
  const names = async () => (await client.tags()).map(({ name }) => name);
  return {
    client,
    url,
    standin,
    folder,
    name: (label) => `${prefix}-${label}`,
    async file(label, bytes) {
      const path = join(folder, `${label}.gguf`);
      // A real server keeps blobs of runs before: low bits of the last weights make the file one of this bench alone.
      const unique = Buffer.from(bytes);
      for (const [i, byte] of own.entries()) unique[unique.length - 2 * (i + 1)] = byte;
      await writeFile(path, unique);
      return path;
    },
    listed: async (label) => (await names()).filter((name) => name.startsWith(`${prefix}-${label}:`)),
    async close() {
      if (!standin) for (const name of await names()) if (name.startsWith(prefix)) await client.delete(name);
      await standin?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// What a worker asks for when it publishes this file, on a short conversation.
export function optionsFor(name: string, ggufPath: string, extra: Partial<PublishOptions> = {}): PublishOptions {
  const model = loadTextModel({ kind: "gguf", metadata: readGgufMetadata(ggufPath) });
  const render: NonNullable<PublishOptions["render"]> = (messages) =>
    renderChat(model, messages as Parameters<typeof renderChat>[1], { addGenerationPrompt: true });
  return {
    name,
    ggufPath,
    conversations: standardRenderCases(render, { system: extra.system ?? null }),
    render,
    stop: ["<|im_end|>"],
    bos: model.bosText === null ? null : { text: model.bosText, addedByTokenizer: model.addsBos },
    smoke: { messages: [{ role: "user", content: "Hello" }], maxTokens: 4 },
    ...extra,
  };
}
