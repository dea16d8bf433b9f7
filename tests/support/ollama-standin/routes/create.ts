import { rm } from "node:fs/promises";
import { ReplyError, textOf } from "../faulty.ts";
import { architecture, fileType, type GgufFile } from "../gguf/gguf-read.ts";
import { copyGguf, quantizeGguf } from "../gguf/quantize.ts";
import { fileTypeName, quantizeTargets } from "../gguf/tensor-types.ts";
import { goAny, goBool, goList, goMap, goString } from "../go/go-bind.ts";
import { type GoValue, goJson, type Json, sortedKeys } from "../go/go-json.ts";
import { ClientGone, type Exchange, LineStream, mapField, readRequest, sendJson, textField } from "../http.ts";
import { blobGguf, type ModelConfig } from "../model.ts";
import { existingSpelling, isValid, type Name, parseModelRef, parseName } from "../names.ts";
import { copyStepAccepts } from "../runner/model-checks.ts";
import type { Standin } from "../standin.ts";
import { layerType, type NewLayer } from "../store.ts";
import { ChatTemplate } from "../template/chat-template.ts";
import { type BaseLayer, layersFromFiles, layersFromModel, readFileHead } from "./create-layers.ts";
import { messagesOf, messageType } from "./messages.ts";

const fields = {
  model: goString,
  name: goString,
  stream: goBool,
  quantize: goString,
  quantization: goString,
  from: goString,
  files: goMap(goString, "string"),
  adapters: goMap(goString, "string"),
  template: goString,
  license: goAny,
  system: goString,
  parameters: goMap(goAny, "interface {}"),
  messages: goList(messageType, "api.Message"),
  renderer: goString,
  parser: goString,
  requires: goString,
  info: goMap(goAny, "interface {}"),
};
export type Emit = (status: string) => Promise<void>;

export async function create(standin: Standin, exchange: Exchange): Promise<void> {
  const request = await readRequest(exchange, "CreateRequest", fields);
  const name = await checkRequest(standin, request);
  if (request.stream === false) {
    // Goes on to the end though nobody may wait any more.
    try {
      await build(standin, request, name, async () => undefined);
      sendJson(exchange.response, 200, { status: "success" }, "application/json");
    } catch (error) {
      sendJson(exchange.response, statusOf(error), { error: textOf(error) }, "application/json");
    }
    return;
  }
  const lines = new LineStream(exchange);
  try {
    await build(standin, request, name, (status) => lines.send({ status }));
    await lines.send({ status: "success" });
    lines.end();
  } catch (error) {
    if (error instanceof ClientGone) return;
    await lines.fail(statusOf(error), textOf(error));
  }
}

const statusOf = (error: unknown): number => (error instanceof ReplyError ? error.status : 500);

async function checkRequest(standin: Standin, request: Record<string, Json>): Promise<Name> {
  const refuse = (message: string): never => {
    throw new ReplyError(400, message);
  };
  for (const [path, digest] of Object.entries(mapField(request, "files") ?? {})) {
    const parts = path.split("/");
    if (path === "" || parts.some((part) => part === "" || part === "." || part === ".."))
      refuse("file path must be relative");
    if (!digest) refuse("invalid digest format");
  }
  for (const digest of Object.values(mapField(request, "adapters") ?? {})) if (!digest) refuse("invalid digest format");
  const name = parseName(textField(request, "model") || textField(request, "name"));
  if (!isValid(name)) refuse("invalid model name");
  return existingSpelling(name, await standin.store.names());
}

async function build(standin: Standin, request: Record<string, Json>, name: Name, emit: Emit): Promise<void> {
  const { store } = standin;
  const old = await store.read(name);
  const files = mapField(request, "files");
  const from = textField(request, "from");
  const config: ModelConfig = {};
  for (const key of ["renderer", "parser"] as const) if (textField(request, key)) config[key] = textField(request, key);
  let base: BaseLayer[];
  if (from !== "") {
    const source = validRef(from);
    base = await layersFromModel(store, source, emit, config);
  } else if (files) base = await layersFromFiles(store, files, "model", emit);
  else throw new ReplyError(400, "neither 'from' or 'files' was specified");
  const adapters = mapField(request, "adapters");
  if (adapters) base.push(...(await adapterLayers(standin, adapters, emit)));
  const layers: NewLayer[] = [];
  for (const layer of base) layers.push(await finishLayer(standin, request, layer, config, emit));
  const finished = await setTexts(standin, request, layers);
  const configLayer = await store.configLayer(configValue(config));
  for (const { status } of finished) if (status) await emit(status);
  await emit("writing manifest");
  await store.write(name, configLayer, finished);
  if (old) await store.removeUnused(old.manifest);
}

function validRef(text: string): Name {
  try {
    return parseModelRef(text).name;
  } catch {
    throw new ReplyError(400, "invalid model name");
  }
}

async function adapterLayers(standin: Standin, adapters: Record<string, Json>, emit: Emit): Promise<BaseLayer[]> {
  try {
    return await layersFromFiles(standin.store, adapters, "adapter", emit);
  } catch (error) {
    if (error instanceof ClientGone) throw error;
    throw new ReplyError(400, textOf(error));
  }
}

// A GGUF from a file is copied through the quantise program; what the copy says of itself becomes the model's config.
async function finishLayer(
  standin: Standin,
  request: Record<string, Json>,
  base: BaseLayer,
  config: ModelConfig,
  emit: Emit,
): Promise<NewLayer> {
  let { layer, gguf } = base;
  if (!gguf || layer.mediaType !== layerType("model")) return layer;
  const want = (textField(request, "quantize") || textField(request, "quantization")).toUpperCase();
  const own = fileTypeName(fileType(gguf));
  const convert = want !== "" && needsConversion(want, own);
  if (convert || base.rewrite) {
    layer = await rewrite(standin, gguf, convert ? want : null, emit);
    gguf = blobGguf(standin.store.blobPath(layer.digest));
  }
  config.model_format ??= "gguf";
  config.model_family ??= architecture(gguf);
  config.model_type ??= humanNumber(gguf.parameters);
  config.file_type ??= fileTypeName(fileType(gguf));
  config.model_families = [...(config.model_families ?? []), architecture(gguf)];
  return layer;
}

function needsConversion(want: string, own: string): boolean {
  if (!quantizeTargets[want])
    throw new Error(`unsupported quantization type ${want} - supported types are F32, F16, Q4_K_S, Q4_K_M, Q8_0`);
  if (!["F16", "BF16", "F32"].includes(own))
    throw new Error("quantization is only supported for F16, BF16 and F32 models");
  return own !== want;
}

async function rewrite(standin: Standin, gguf: GgufFile, want: string | null, emit: Emit): Promise<NewLayer> {
  const { store } = standin;
  const prefix = want ? "" : "failed to validate GGUF with llama-quantize without compatibility patches: ";
  if (!standin.hasQuantizer)
    throw new Error(`${prefix}llama-quantize unavailable: llama-quantize binary not found (checked: ${store.folder})`);
  const target = store.temporary(want ?? "COPY");
  try {
    if (!copyStepAccepts(gguf)) throw new Error("refused");
    // A file that does not tell its type is given the guess, marked as such.
    const guessed = gguf.keys.has("general.file_type") ? fileType(gguf) : 1024 + guessFileType(gguf);
    await (want ? quantizeGguf(gguf, target, want) : copyGguf(gguf, target, guessed)).catch((error: unknown) => {
      throw error instanceof ClientGone ? error : new Error("refused", { cause: error });
    });
    await emit("verifying conversion");
    return await store.newLayer(readFileHead(target), "model");
  } catch (error) {
    if (error instanceof Error && error.message === "refused")
      throw new Error(`${prefix}llama-quantize failed: exit status 1`, { cause: error });
    throw error;
  } finally {
    await rm(target, { force: true });
  }
}

// The type that most tensors have.
function guessFileType(gguf: GgufFile): number {
  const counts = new Map<number, number>();
  for (const { type } of gguf.tensors) counts.set(type, (counts.get(type) ?? 0) + 1);
  const [most = 0] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  const byTensor: Record<number, number> = {
    0: 0,
    1: 1,
    2: 2,
    3: 3,
    6: 8,
    7: 9,
    8: 7,
    10: 10,
    11: 12,
    12: 15,
    13: 17,
    14: 18,
    20: 25,
    23: 30,
    30: 32,
  };
  return byTensor[most] ?? 0;
}

async function setTexts(standin: Standin, request: Record<string, Json>, given: NewLayer[]): Promise<NewLayer[]> {
  const { store } = standin;
  let layers = given;
  const without = async (kind: string) => {
    const kept = layers.filter(({ mediaType }) => mediaType !== layerType(kind));
    const dropped = layers.filter(({ mediaType }) => mediaType === layerType(kind));
    for (const layer of dropped)
      await store.removeUnused({
        schemaVersion: 2,
        mediaType: "",
        config: { mediaType: "", digest: "", size: 0 },
        layers: [layer],
      });
    layers = kept;
  };
  const replace = async (text: string, kind: string) => {
    await without(kind);
    layers = [...layers, await store.textLayer(text, kind)];
  };
  const template = textField(request, "template");
  if (template !== "") {
    try {
      new ChatTemplate(template);
    } catch (error) {
      throw new ReplyError(400, `template error: ${textOf(error)}`);
    }
    await replace(template, "template");
  }
  const system = textField(request, "system");
  if (system !== "") await replace(system, "system");
  for (const license of licenses(request.license ?? null))
    layers = [...layers, await store.textLayer(license, "license")];
  const parameters: Record<string, GoValue> = { ...(mapField(request, "parameters") ?? {}) };
  for (const layer of layers.filter(({ mediaType }) => mediaType === layerType("params"))) {
    const existing: Record<string, Json> = JSON.parse((await store.readBlob(layer.digest)).toString("utf8"));
    for (const [key, value] of Object.entries(existing)) if (!(key in parameters)) parameters[key] = value;
  }
  if (Object.keys(parameters).length > 0) await replace(`${goJson(sortedKeys(parameters))}\n`, "params");
  const messages = messagesOf(request.messages ?? null);
  if (messages.length > 0)
    await replace(`${goJson(messages.map(({ role, content }) => ({ role, content })))}\n`, "messages");
  return layers;
}

function licenses(value: Json): string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (value === null) return [];
  if (!Array.isArray(value)) throw new Error("json: cannot unmarshal object into Go value of type []string");
  return value.map((text) => (typeof text === "string" ? text : ""));
}

const configValue = (config: ModelConfig): GoValue => ({
  model_format: config.model_format ?? "",
  model_family: config.model_family ?? "",
  model_families: config.model_families ?? null,
  model_type: config.model_type ?? "",
  file_type: config.file_type ?? "",
  renderer: config.renderer,
  parser: config.parser,
  architecture: "amd64",
  os: "linux",
});

function humanNumber(count: number): string {
  const scaled = (unit: number, digits: number, letter: string) =>
    `${(count / unit).toFixed(count % unit === 0 ? 0 : digits)}${letter}`;
  if (count >= 1e9) return scaled(1e9, 1, "B");
  if (count >= 1e6) return scaled(1e6, 2, "M");
  return count >= 1e3 ? `${(count / 1e3).toFixed(0)}K` : String(count);
}
