import { rm } from "node:fs/promises";
import { join } from "node:path";
import { OllamaClient, parseOllamaHost, publish } from "@anneal/ollama";
import { afterEach, describe, expect, it } from "vitest";
import { type OllamaStandin, startOllamaStandin } from "../../support/ollama-standin/index.ts";
import { recordedModels } from "../../support/ollama-standin/recorded/recorded-models.ts";
import { type Bench, onStandin, openBench, optionsFor } from "./support.ts";

const f16 = () => recordedModels.f16?.() ?? Buffer.alloc(0);

// A real server cannot be told to fail.
describe.runIf(onStandin)("publishing through faults of server and connection", () => {
  let bench: Bench | null = null;
  let other: OllamaStandin | null = null;
  afterEach(async () => {
    await bench?.close();
    await other?.stop();
    bench = null;
    other = null;
  });

  const faults: [fault: string, code: string][] = [
    ["HEAD /api/blobs#1=500", "OLLAMA_SERVER_ERROR"],
    ["POST /api/blobs#1=500", "OLLAMA_SERVER_ERROR"],
    ["POST /api/blobs#1=break", "OLLAMA_UNREACHABLE"],
    ["POST /api/create#1=500", "OLLAMA_CREATE_FAILED"],
    ["POST /api/create#1=eof", "OLLAMA_CREATE_FAILED"],
    ["POST /api/create#1=503", "OLLAMA_BUSY"],
    ["POST /api/create#1=break:2", "OLLAMA_UNREACHABLE"],
    ["POST /api/show#1=500", "OLLAMA_SERVER_ERROR"],
    ["GET /api/tags#1=500", "OLLAMA_SERVER_ERROR"],
    ["POST /api/chat#1=500", "OLLAMA_LOAD_FAILED"],
    ["POST /api/chat#20=refuse", "OLLAMA_UNREACHABLE"],
    ["POST /api/copy#1=500", "OLLAMA_SERVER_ERROR"],
    ["DELETE /api/delete#2=500", "OLLAMA_SERVER_ERROR"],
  ];
  it.each(faults)("%s fails with a code of its own, and publishing again ends well", async (fault, code) => {
    bench = await openBench({ answers: "marked", faults: [fault] });
    const path = await bench.file("m", f16());
    const options = optionsFor(bench.name("m"), path);
    await expect(publish(options, { client: bench.client })).rejects.toMatchObject({ code });
    const result = await publish(options, { client: bench.client });
    expect(result.templateSource).toBe("derived");
    expect(await bench.listed("m")).toEqual([`${bench.name("m")}:latest`]);
  });

  it.each(["POST /api/show#1=eof", "POST /api/chat#1=eof", "POST /api/chat#20=eof", "POST /api/copy#1=eof"])(
    "%s: another publication is writing the model; starts over",
    async (fault) => {
      bench = await openBench({ answers: "marked", faults: [fault] });
      const path = await bench.file("m", f16());
      const notes: string[] = [];
      const result = await publish(optionsFor(bench.name("m"), path), {
        client: bench.client,
        onProgress: ({ note }) => note && notes.push(note),
      });
      expect(result.unchanged).toBe(false);
      expect(notes.join()).toContain("starting over");
      expect(await bench.listed("m")).toEqual([`${bench.name("m")}:latest`]);
    },
  );

  it("waits for a slow server", async () => {
    bench = await openBench({ answers: "marked", faults: ["POST /api/create=slow:300", "POST /api/blobs=slow:300"] });
    const path = await bench.file("m", f16());
    expect((await publish(optionsFor(bench.name("m"), path), { client: bench.client })).uploaded).toBe(true);
  });

  it("gives up on a server that never answers, after the time allowed", async () => {
    bench = await openBench({ answers: "marked", faults: ["POST /api/show=hang"] });
    const client = new OllamaClient(parseOllamaHost(bench.url), { quickTimeoutSeconds: 0.3 });
    const path = await bench.file("m", f16());
    await expect(publish(optionsFor(bench.name("m"), path), { client })).rejects.toMatchObject({
      code: "OLLAMA_TIMEOUT",
    });
  });

  it("sends a file again that the server lost between look-up and create", async () => {
    const lost: { path: string | null } = { path: null };
    bench = await openBench({
      answers: "marked",
      onRequest: (_method, path) => {
        if (path.startsWith("/api/blobs/") && bench?.standin)
          lost.path ??= join(bench.standin.models, "blobs", path.slice("/api/blobs/".length).replace(":", "-"));
      },
    });
    const path = await bench.file("m", f16());
    let dropped = false;
    const result = await publish(optionsFor(bench.name("m"), path), {
      client: bench.client,
      onProgress: ({ phase, note }) => {
        if (phase !== "create" || dropped || note !== null || !lost.path) return;
        dropped = true;
        void rm(lost.path, { force: true });
      },
    });
    expect(result.templateSource).toBe("derived");
  });

  it("goes on when the server went away half-way and came back on its store", async () => {
    bench = await openBench({ answers: "marked", faults: ["POST /api/create#1=refuse"] });
    const path = await bench.file("m", f16());
    const name = bench.name("m");
    await expect(publish(optionsFor(name, path), { client: bench.client })).rejects.toMatchObject({ transient: true });
    other = await startOllamaStandin({ models: bench.standin?.models ?? "", answers: "marked" });
    const client = new OllamaClient(parseOllamaHost(other.url));
    const result = await publish(optionsFor(name, path), { client });
    // The upload of the first time is still there.
    expect(result.uploaded).toBe(false);
  });

  it("a publication that is called off stops at once and leaves the name as it was", async () => {
    bench = await openBench({ answers: "marked", faults: ["POST /api/create=slow:5000"] });
    const path = await bench.file("m", f16());
    const stop = new AbortController();
    const work = publish(optionsFor(bench.name("m"), path), {
      client: bench.client,
      signal: stop.signal,
      onProgress: ({ phase }) => phase === "create" && stop.abort(),
    });
    await expect(work).rejects.toMatchObject({ code: "OLLAMA_ABORTED" });
    expect(await bench.listed("m")).toEqual([]);
  });
});
