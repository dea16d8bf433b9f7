import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findStoredModel, listStoredModels } from "./store.ts";

describe("a model store read from its files", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "store-"));
    await mkdir(join(folder, "blobs"), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function blob(text: string): Promise<{ digest: string; size: number }> {
    const hex = createHash("sha256").update(text).digest("hex");
    await writeFile(join(folder, "blobs", `sha256-${hex}`), text);
    return { digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
  }
  async function manifest(path: string, value: unknown): Promise<void> {
    const file = join(folder, "manifests", path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof value === "string" ? value : `${JSON.stringify(value)}\n`);
  }
  const layer = async (kind: string, text: string) => ({
    mediaType: `application/vnd.ollama.image.${kind}`,
    ...(await blob(text)),
  });

  it("goes from a name, in any letter case, to the weights and texts", async () => {
    await manifest("registry.ollama.ai/library/Bank/v1", {
      schemaVersion: 2,
      config: { mediaType: "x", ...(await blob('{"model_family":"llama","file_type":"F16"}')) },
      layers: [
        await layer("model", "GGUF..."),
        await layer("template", "{{ .Prompt }}"),
        await layer("params", '{"stop":["x"]}'),
      ],
    });
    const model = await findStoredModel(folder, "bank:V1");
    expect(model).toMatchObject({
      name: "Bank:v1",
      ggufBytes: 7,
      template: "{{ .Prompt }}",
      family: "llama",
      parameters: { stop: ["x"] },
    });
  });

  it.each([
    ["is not JSON", "{"],
    ["has no layers", { schemaVersion: 2, layers: [] }],
    [
      "names a digest that leads out of the store",
      {
        schemaVersion: 2,
        layers: [{ mediaType: "application/vnd.ollama.image.model", digest: "sha256:../../../etc/passwd", size: 1 }],
      },
    ],
  ])("refuses a manifest that %s, and lists it with its problem", async (_what, value) => {
    await manifest("registry.ollama.ai/library/bad/latest", value);
    await expect(findStoredModel(folder, "bad")).rejects.toMatchObject({ code: "OLLAMA_STORE" });
    expect(await listStoredModels(folder)).toMatchObject([{ name: "bad:latest", bytes: null }]);
  });

  it("refuses weights that are missing or of another size", async () => {
    const weights = await layer("model", "GGUF");
    await manifest("registry.ollama.ai/library/short/latest", { schemaVersion: 2, layers: [{ ...weights, size: 5 }] });
    await expect(findStoredModel(folder, "short")).rejects.toThrow(/the manifest says 5/);
  });

  it("tells what models there are when a name is unknown", async () => {
    await manifest("registry.ollama.ai/library/there/latest", {
      schemaVersion: 2,
      layers: [await layer("model", "GGUF")],
    });
    await expect(findStoredModel(folder, "nosuch")).rejects.toThrow(/it has there:latest/);
  });
});
