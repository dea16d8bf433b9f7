import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { api } from "@anneal/contracts";
import { openSession } from "@anneal/engine";
import { models } from "@anneal/services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorld, problemOf, type World } from "./world.ts";

let world: World;
let gguf = "";
beforeAll(async () => {
  world = await openWorld();
  gguf = join(world.model, "..", "tiny.gguf");
  const session = await openSession({
    base: { kind: "hf", dir: world.model },
    precision: "f32",
    seed: 1,
    method: { kind: "lora", rank: 1, alpha: 1, dropout: 0, rsLora: false, targets: ["q_proj"] },
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    gradientCheckpointing: false,
    maxTokensPerMicroBatch: 16,
    maxSequenceTokens: 16,
  });
  await session.exportGguf(gguf, { type: "F32", metadata: { "general.name": "tiny" } });
  await session.close();
});
afterAll(() => world.close());

/** A model as `ollama create` leaves it in the store. */
function putIntoStore(name: string, blob: Buffer, extra: object[] = []): string {
  const store = world.ctx.paths.ollamaModels;
  const digest = createHash("sha256").update(blob).digest("hex");
  mkdirSync(join(store, "blobs"), { recursive: true });
  writeFileSync(join(store, "blobs", `sha256-${digest}`), blob);
  const folder = join(store, "manifests/registry.ollama.ai/library", name);
  mkdirSync(folder, { recursive: true });
  const layer = { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${digest}`, size: blob.length };
  writeFileSync(join(folder, "latest"), JSON.stringify({ schemaVersion: 2, layers: [layer, ...extra] }));
  return `sha256:${digest}`;
}

test("the list holds registry, store and folders, each place once, and says why one is unfit", async () => {
  const { ctx, model } = world;
  const digest = putIntoStore("tiny", readFileSync(gguf));
  putIntoStore("broken", Buffer.from("GGUF but not really"));
  const strange = join(model, "..", "strange");
  cpSync(model, strange, { recursive: true });
  const config = JSON.parse(readFileSync(join(strange, "config.json"), "utf8"));
  writeFileSync(
    join(strange, "config.json"),
    JSON.stringify({ ...config, model_type: "mamba", architectures: ["Mamba"] }),
  );
  const named = await models.register(ctx, { ref: model, name: "My tiny model" });
  expect(named).toMatchObject({ source: "hf", supported: true, facts: { family: "llama", hasChatTemplate: true } });

  const list = api.models.list.output.parse(await models.list(ctx, undefined));
  const by = Object.fromEntries(list.map((entry) => [entry.name, entry]));
  expect(by["My tiny model"]).toMatchObject({ ref: `model:${named.id}`, supported: true });
  expect(list.filter(({ ref }) => ref === model)).toEqual([]); // it is in the registry
  expect(by["tiny:latest"]).toMatchObject({ ref: "ollama:tiny:latest", source: "ollama", digest, supported: true });
  expect(by["tiny.gguf"]).toMatchObject({
    ref: gguf,
    source: "gguf",
    supported: true,
    facts: { hasChatTemplate: false },
  });
  expect(by["broken:latest"]).toMatchObject({ supported: false, facts: null });
  expect(by["broken:latest"]?.unsupportedReason).not.toBe("");
  expect(by.strange?.unsupportedReason).toContain("mamba");

  expect(await problemOf(models.register(ctx, { ref: model, name: "My tiny model" }))).toMatchObject({
    code: "CONFLICT",
    field: "name",
  });
  // Its weights are sound; without a tokenizer no run could read a row for it.
  expect(await problemOf(models.register(ctx, { ref: gguf, name: "No tokenizer" }))).toMatchObject({
    code: "UNSUPPORTED",
    field: "ref",
    message: expect.stringContaining("tokenizer.ggml.model"),
  });
  expect(await problemOf(models.register(ctx, { ref: strange, name: "Strange" }))).toMatchObject({
    code: "UNSUPPORTED",
    field: "ref",
  });
  expect(await models.inspect(ctx, { ref: `model:${named.id}` })).toMatchObject({
    name: "My tiny model",
    supported: true,
  });
  expect(await models.remove(ctx, { modelId: named.id ?? "" })).toEqual({ removed: true });
  expect(await problemOf(models.inspect(ctx, { ref: `model:${named.id}` }))).toMatchObject({
    code: "NOT_FOUND",
    field: "base",
  });
});

test("a reference becomes files: store, registry, path", async () => {
  const { ctx, model } = world;
  const digest = putIntoStore("tiny", readFileSync(gguf));
  expect(await models.resolveBase(ctx, "ollama:tiny")).toMatchObject({
    name: "tiny:latest",
    digest,
    source: { kind: "gguf" },
  });
  expect(await models.resolveBase(ctx, model)).toMatchObject({ name: "tiny", source: { kind: "hf", dir: model } });
  expect(await models.resolveBase(ctx, gguf)).toMatchObject({ name: "tiny", source: { kind: "gguf", path: gguf } });
  expect(await problemOf(models.resolveBase(ctx, "ollama:none"))).toMatchObject({ code: "NOT_FOUND", field: "base" });
  const adapter = { mediaType: "application/vnd.ollama.image.adapter", digest, size: 1 };
  putIntoStore("adapted", readFileSync(gguf), [adapter]);
  expect(await problemOf(models.resolveBase(ctx, "ollama:adapted"))).toMatchObject({
    code: "UNSUPPORTED",
    field: "base",
  });
});

test("no path leads out of the allowed folders", async () => {
  const { ctx, home, model } = world;
  const outside = join(home, "outside");
  cpSync(model, outside, { recursive: true });
  symlinkSync(outside, join(model, "..", "sneaky"));
  cpSync(gguf, join(home, "outside.gguf"));
  symlinkSync(join(home, "outside.gguf"), join(model, "..", "sneaky.gguf"));
  for (const ref of [
    outside,
    join(home, "outside.gguf"),
    `${model}/../../outside`,
    join(model, "..", "sneaky"),
    join(model, "..", "sneaky.gguf"),
    "/etc",
    "/",
  ])
    expect(await problemOf(models.resolveBase(ctx, ref)), ref).toMatchObject({ code: "INVALID_INPUT", field: "base" });
  expect(await problemOf(models.resolveBase(ctx, join(model, "nothing")))).toMatchObject({ code: "NOT_FOUND" });
  expect(await problemOf(models.resolveBase(ctx, join(model, "config.json")))).toMatchObject({ code: "UNSUPPORTED" });
  // What the list finds in folders stays inside too.
  expect((await models.list(ctx, undefined)).map(({ name }) => name)).not.toContain("sneaky.gguf");
});

test("what is no base says why, and what to do about it", async () => {
  const { ctx, model } = world;
  const folders = join(model, "..");
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folders, name), content);
    return join(folders, name);
  };
  const folder = (name: string, change: (dir: string) => void) => {
    const dir = join(folders, name);
    cpSync(model, dir, { recursive: true });
    change(dir);
    return dir;
  };
  const whole = readFileSync(gguf);
  const again = /download it again/;
  const unfit: [string, RegExp, RegExp][] = [
    [file("cut.gguf", whole.subarray(0, whole.length / 2)), /reach outside the file|ends/, again],
    [file("page.gguf", "<!doctype html><title>Sign in</title>"), /a web page \(HTML\)/, again],
    [file("empty.gguf", ""), /an empty file/, again],
    [file("pickle.gguf", Buffer.from([0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x2e])), /a PyTorch pickle/, again],
    [
      folder("pointer", (dir) =>
        writeFileSync(join(dir, "model.safetensors"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      ),
      /a Git LFS pointer/,
      again,
    ],
    [
      folder("other-family", (dir) => {
        const config = JSON.parse(readFileSync(join(dir, "config.json"), "utf8"));
        writeFileSync(join(dir, "config.json"), JSON.stringify({ ...config, model_type: "mamba" }));
      }),
      /mamba/,
      /supported family/,
    ],
    [folder("no-tokenizer", (dir) => rmSync(join(dir, "tokenizer.json"))), /tokenizer\.json/, /save_pretrained/],
  ];
  for (const [i, [ref, message, remedy]] of unfit.entries()) {
    expect(await problemOf(models.register(ctx, { ref, name: `unfit ${i}` })), ref).toMatchObject({
      field: "ref",
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    });
    expect(await models.inspect(ctx, { ref }), ref).toMatchObject({
      supported: false,
      unsupportedReason: expect.stringMatching(message),
    });
  }
});
