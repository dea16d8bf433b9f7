import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { ReplyError } from "../faulty.ts";
import { type GgufFile, readGguf, textAt } from "../gguf/gguf-read.ts";
import { goJson, type Json } from "../go/go-json.ts";
import type { ModelConfig } from "../model.ts";
import { type Name, shortName } from "../names.ts";
import { layerType, type NewLayer, type Store } from "../store.ts";
import { detectTemplate } from "../template/known-templates.ts";

export interface BaseLayer {
  layer: NewLayer;
  gguf: GgufFile | null;
  rewrite: boolean; // came from a file, so that it is copied first
}
type Emit = (status: string) => Promise<void>;

export const readFileHead = (path: string): AsyncIterable<Buffer> => createReadStream(path, { highWaterMark: 1 << 20 });

async function magic(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function kindOfFiles(store: Store, files: Record<string, Json>): Promise<string> {
  const names = Object.keys(files);
  if (names.some((name) => name.endsWith(".safetensors"))) return "safetensors";
  if (names.some((name) => name.endsWith(".gguf"))) return "gguf";
  for (const name of names) {
    const found = await magic(store.blobPath(String(files[name]))).catch(() => "");
    if (found === "GGUF") return "gguf";
  }
  return "";
}

const fileError = (path: string, error: unknown): Error =>
  error instanceof Error && "code" in error && error.code === "ENOENT"
    ? new Error(`open ${path}: no such file or directory`)
    : error instanceof Error
      ? error
      : new Error(String(error));

// The layers that uploaded files make: the GGUF itself, then a template and its parameters when one is recognised.
export async function layersFromFiles(
  store: Store,
  files: Record<string, Json>,
  use: "model" | "adapter",
  emit: Emit,
): Promise<BaseLayer[]> {
  const kind = await kindOfFiles(store, files);
  if (kind === "safetensors") return refuseSafetensors(files, use, emit);
  if (kind !== "gguf") throw new ReplyError(400, "unknown type");
  if (use === "adapter" && Object.keys(files).length > 1)
    throw new ReplyError(400, "only one adapter is currently supported");
  const layers: BaseLayer[] = [];
  for (const name of Object.keys(files).sort()) {
    const digest = String(files[name]);
    await emit("parsing GGUF");
    const path = store.blobPath(digest);
    const found = await magic(path).catch((error: unknown) => {
      throw fileError(path, error);
    });
    if (found !== "GGUF" && found !== "FUGG") throw new ReplyError(400, "supplied file was not in GGUF format");
    const gguf = readGguf(path);
    const media = textAt(gguf, "general.type") === "adapter" ? "adapter" : "model";
    layers.push({ layer: await store.existingLayer(digest, layerType(media), name), gguf, rewrite: true });
  }
  return [...layers, ...(await detectedLayers(store, layers))];
}

async function detectedLayers(store: Store, layers: BaseLayer[]): Promise<BaseLayer[]> {
  const found: BaseLayer[] = [];
  const plain = (layer: NewLayer): BaseLayer => ({ layer, gguf: null, rewrite: false });
  for (const { gguf } of layers) {
    const jinja = gguf ? textAt(gguf, "tokenizer.chat_template") : "";
    const known = jinja === "" ? null : detectTemplate(jinja);
    if (!known) continue;
    const template = await store.textLayer(known.go, "template");
    found.push(plain({ ...template, status: `using autodetected template ${known.name}` }));
    found.push(plain(await store.textLayer(`${goJson({ stop: known.stop })}\n`, "params")));
  }
  return found;
}

// Conversion of safetensors is not stood in for; its first faults are.
async function refuseSafetensors(files: Record<string, Json>, use: "model" | "adapter", emit: Emit): Promise<never> {
  await emit(use === "model" ? "converting model" : "converting adapter");
  const config = use === "model" ? "config.json" : "adapter_config.json";
  if (!(config in files)) throw new Error(`open ${config}: no such file or directory`);
  throw new Error("this stand-in does not convert safetensors");
}

// Layers of a model that is here already; one that is not would be pulled, and there is no network.
export async function layersFromModel(store: Store, name: Name, emit: Emit, config: ModelConfig): Promise<BaseLayer[]> {
  const stored = await store.read(name);
  if (!stored) {
    await emit("pulling manifest");
    const url = `https://${name.host}/v2/${name.namespace}/${name.model}/manifests/${name.tag}`;
    throw new Error(`pull model manifest: Get "${url}": dial tcp: lookup ${name.host}: no such host`);
  }
  const base: ModelConfig = JSON.parse((await store.readBlob(stored.manifest.config.digest)).toString("utf8"));
  if (base.renderer) config.renderer ??= base.renderer;
  if (base.parser) config.parser ??= base.parser;
  if (base.model_format) config.model_format ??= base.model_format;
  const layers: BaseLayer[] = [];
  for (const { digest, mediaType } of stored.manifest.layers) {
    const layer = await store.existingLayer(digest, mediaType, shortName(name));
    const isModel = mediaType === layerType("model") || mediaType === layerType("adapter");
    layers.push({ layer, gguf: isModel ? readGguf(store.blobPath(digest)) : null, rewrite: false });
  }
  return layers;
}
