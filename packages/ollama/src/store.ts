import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve, sep } from "node:path";
import { type Phrase, say, type Words } from "@anneal/contracts";
import { z } from "zod";
import { OllamaError } from "./error.ts";
import {
  defaultNameParts,
  displayModelName,
  invalidNamePart,
  type ModelName,
  parseModelName,
  sameModelName,
} from "./names.ts";

const layerPrefix = "application/vnd.ollama.image.";
const maxTextBytes = 4 * 1024 * 1024;
const Digest = z.string().regex(/^sha256[:-][0-9a-f]{64}$/, "must be sha256: and 64 hex digits");
const Layer = z.object({ mediaType: z.string(), digest: Digest, size: z.number().nonnegative() });
const Manifest = z.object({ schemaVersion: z.literal(2), config: Layer.optional(), layers: z.array(Layer).min(1) });
const Config = z.object({
  model_format: z.string().optional(),
  model_family: z.string().optional(),
  model_type: z.string().optional(),
  file_type: z.string().optional(),
});

export interface StoredModel {
  name: string; // as /api/tags shows it
  manifestPath: string;
  manifestDigest: string; // 64 hex digits, equal to the digest of /api/tags
  ggufPath: string;
  ggufDigest: string;
  ggufBytes: number;
  adapterPaths: string[];
  template: string | null; // a Go template, which outranks the GGUF's own Jinja text
  system: string | null;
  parameters: Record<string, unknown>;
  license: string[];
  format: string | null;
  family: string | null;
  parameterSize: string | null;
  quantization: string | null;
}

export interface ListedStoredModel {
  name: string;
  modifiedAt: Date;
  bytes: number | null; // null: the manifest cannot be read
  problem: string | null;
}

// Where Ollama keeps its models when OLLAMA_MODELS does not say otherwise.
export function defaultStoreFolder(ollamaModels: string | undefined): string {
  return ollamaModels && ollamaModels.trim() !== ""
    ? resolve(ollamaModels.trim())
    : join(homedir(), ".ollama", "models");
}

const storeError = (message: Phrase, remedy: Phrase, cause?: unknown) =>
  new OllamaError("OLLAMA_STORE", message, { remedy, cause });

const errno = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined);

function blobPath(folder: string, digest: string): string {
  const blobs = join(resolve(folder), "blobs");
  const path = join(blobs, digest.replace(":", "-"));
  if (!path.startsWith(blobs + sep))
    throw storeError(say`digest ${digest} leaves the store`, say`pull the model again`);
  return path;
}

async function readSmall(path: string, what: Words): Promise<Buffer> {
  const info = await stat(path);
  // Reading a pipe would never end.
  if (!info.isFile()) throw storeError(say`${what} is no regular file`, say`pull the model again`);
  if (info.size > maxTextBytes)
    throw storeError(say`${what} has ${info.size} bytes; that is no text`, say`pull the model again`);
  return readFile(path);
}

interface FoundManifest {
  name: ModelName;
  path: string;
  modifiedAt: Date;
}

async function* walkManifests(folder: string): AsyncIterable<FoundManifest> {
  const root = join(resolve(folder), "manifests");
  const names = async (path: string, directories: boolean): Promise<string[]> => {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((e) => (directories ? e.isDirectory() : e.isFile())).map((e) => e.name);
    } catch (error) {
      if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return [];
      throw storeError(
        say`the store ${path} cannot be read: ${String(error)}`,
        say`give this user read access to it`,
        error,
      );
    }
  };
  for (const host of await names(root, true))
    for (const namespace of await names(join(root, host), true))
      for (const model of await names(join(root, host, namespace), true))
        for (const tag of await names(join(root, host, namespace, model), false)) {
          const name = { host, namespace, model, tag };
          if (invalidNamePart(name)) continue;
          const path = join(root, host, namespace, model, tag);
          yield { name, path, modifiedAt: (await stat(path)).mtime };
        }
}

function parseManifest(bytes: Buffer, path: string): z.infer<typeof Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw storeError(say`the manifest ${path} is not JSON`, say`pull or create the model again`, error);
  }
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw storeError(
    say`the manifest ${path} is broken at ${issue?.path.join(".") || say`its root`}: ${issue?.message}`,
    say`pull or create the model again`,
  );
}

// Lists what lies in a store, newest first; a manifest that cannot be read is listed with its problem.
export async function listStoredModels(folder: string): Promise<ListedStoredModel[]> {
  const found: ListedStoredModel[] = [];
  for await (const { name, path, modifiedAt } of walkManifests(folder)) {
    const shown = displayModelName(name);
    try {
      const manifest = parseManifest(await readSmall(path, say`the manifest ${path}`), path);
      const bytes = [...manifest.layers, ...(manifest.config ? [manifest.config] : [])].reduce((n, l) => n + l.size, 0);
      found.push({ name: shown, modifiedAt, bytes, problem: null });
    } catch (error) {
      found.push({
        name: shown,
        modifiedAt,
        bytes: null,
        problem: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return found.sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime() || a.name.localeCompare(b.name));
}

// From a name to its GGUF and its texts, read from the files alone (no server needed).
export async function findStoredModel(folder: string, name: string): Promise<StoredModel> {
  const wanted = parseModelName(name);
  let manifestFile: FoundManifest | null = null;
  for await (const candidate of walkManifests(folder))
    if (sameModelName(candidate.name, wanted)) {
      manifestFile = candidate;
      break;
    }
  if (!manifestFile) {
    const known = (await listStoredModels(folder)).slice(0, 8).map((m) => m.name);
    throw storeError(
      known.length > 0
        ? say`no model "${displayModelName(wanted)}" in the store ${folder}; it has ${known.join(", ")}`
        : say`no model "${displayModelName(wanted)}" in the store ${folder}`,
      say`run \`ollama pull ${wanted.host === defaultNameParts.host ? name : "NAME"}\`, or set OLLAMA_MODELS to the right folder`,
    );
  }
  const { path } = manifestFile;
  const raw = await readSmall(path, say`the manifest ${path}`);
  const manifest = parseManifest(raw, path);
  const ofKind = (kind: string) => manifest.layers.filter((l) => l.mediaType === layerPrefix + kind);
  const model = ofKind("model").at(-1);
  if (!model)
    throw storeError(
      say`"${displayModelName(wanted)}" has no model layer: it is a cloud model or broken`,
      say`choose a local model`,
    );
  const texts = async (kind: string) =>
    Promise.all(
      ofKind(kind).map(async (l) =>
        (await readSmall(blobPath(folder, l.digest), `the ${kind} layer`)).toString("utf8"),
      ),
    ).catch((error: unknown) => {
      if (error instanceof OllamaError) throw error;
      throw storeError(
        say`the ${kind} layer of "${name}" cannot be read: ${String(error)}`,
        say`pull the model again`,
        error,
      );
    });
  const ggufPath = blobPath(folder, model.digest);
  const info = await stat(ggufPath).catch((error: unknown) => {
    throw storeError(
      say`the weights ${ggufPath} of "${name}" are missing: ${String(error)}`,
      say`pull the model again`,
      error,
    );
  });
  if (info.size !== model.size)
    throw storeError(
      say`the weights ${ggufPath} have ${info.size} bytes, the manifest says ${model.size}`,
      say`pull the model again`,
    );
  const config = await readConfig(folder, manifest.config?.digest);
  return {
    name: displayModelName(manifestFile.name),
    manifestPath: path,
    manifestDigest: createHash("sha256").update(raw).digest("hex"),
    ggufPath,
    ggufDigest: model.digest.replace("-", ":"),
    ggufBytes: info.size,
    adapterPaths: ofKind("adapter").map((l) => blobPath(folder, l.digest)),
    template: (await texts("template")).at(-1) ?? null,
    system: (await texts("system")).at(-1) ?? null,
    parameters: parseParameters((await texts("params")).at(-1), name),
    license: await texts("license"),
    format: config.model_format ?? null,
    family: config.model_family ?? null,
    parameterSize: config.model_type ?? null,
    quantization: config.file_type ?? null,
  };
}

async function readConfig(folder: string, digest: string | undefined): Promise<z.infer<typeof Config>> {
  if (!digest) return {};
  try {
    return Config.parse(JSON.parse((await readSmall(blobPath(folder, digest), say`the config blob`)).toString("utf8")));
  } catch (error) {
    throw storeError(say`the config blob ${digest} cannot be read: ${String(error)}`, say`pull the model again`, error);
  }
}

function parseParameters(text: string | undefined, name: string): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw storeError(say`the parameters of "${name}" are not a JSON object`, say`create the model again`, error);
  }
}
