import { createHash, randomInt } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type GoValue, goJson } from "./go/go-json.ts";
import { isValid, type Name } from "./names.ts";

export interface Layer {
  mediaType: string;
  digest: string;
  size: number;
  from?: string;
}
export interface Manifest {
  schemaVersion: number;
  mediaType: string;
  config: Layer;
  layers: Layer[];
}
export interface Stored {
  name: Name;
  manifest: Manifest;
  digest: string;
  modified: Date;
  modifiedText: string; // with nanoseconds
}
// What a new layer tells the client about itself.
export type NewLayer = Layer & { status: string };

export const layerType = (kind: string): string => `application/vnd.ollama.image.${kind}`;
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const configType = "application/vnd.docker.container.image.v1+json";
const digestRule = /^sha256[:-][0-9a-fA-F]{64}$/;
// Manifests are written in place: a reader that comes between hears of it in Go's words.
function manifestOf(text: string): Manifest {
  if (text.endsWith("\n")) return JSON.parse(text);
  throw new Error(text === "" ? "EOF" : "unexpected EOF");
}
const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

// The store's folder, laid out as the real server's.
export class Store {
  readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  async open(): Promise<void> {
    await mkdir(join(this.folder, "blobs"), { recursive: true });
    await mkdir(join(this.folder, "manifests"), { recursive: true });
    await this.prune();
  }

  blobPath(digest: string): string {
    if (!digestRule.test(digest)) throw new Error("invalid digest format");
    return join(this.folder, "blobs", digest.replaceAll(":", "-"));
  }

  async hasBlob(digest: string): Promise<boolean> {
    return (await stat(this.blobPath(digest)).catch(() => null)) !== null;
  }

  temporary(prefix: string): string {
    return join(this.folder, "blobs", `${prefix}${randomInt(1, 2 ** 47)}${randomInt(10, 99)}`);
  }

  // Writes a stream under the digest of its bytes. A stream that breaks off leaves nothing.
  async addBlob(
    source: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): Promise<{ digest: string; size: number; isNew: boolean }> {
    const path = this.temporary("sha256-");
    const hash = createHash("sha256");
    let size = 0;
    try {
      const file = await open(path, "wx", 0o600);
      try {
        for await (const piece of source) {
          hash.update(piece);
          size += piece.length;
          await file.write(piece);
        }
      } finally {
        await file.close();
      }
      return await this.settle(path, `sha256:${hash.digest("hex")}`, size);
    } finally {
      await rm(path, { force: true });
    }
  }

  private async settle(
    path: string,
    digest: string,
    size: number,
  ): Promise<{ digest: string; size: number; isNew: boolean }> {
    const target = this.blobPath(digest);
    const isNew = !(await this.hasBlob(digest));
    if (isNew) {
      await rename(path, target);
      await chmod(target, 0o644);
    }
    const now = new Date();
    await utimes(target, now, now);
    return { digest, size, isNew };
  }

  async newLayer(source: AsyncIterable<Buffer> | Iterable<Buffer>, kind: string): Promise<NewLayer> {
    const { digest, size, isNew } = await this.addBlob(source);
    const status = `${isNew ? "creating new layer" : "using existing layer"} ${digest}`;
    return { mediaType: layerType(kind), digest, size, status };
  }

  textLayer = (text: string, kind: string): Promise<NewLayer> => this.newLayer([Buffer.from(text, "utf8")], kind);

  async existingLayer(digest: string, mediaType: string, from: string): Promise<NewLayer> {
    const path = this.blobPath(digest);
    const { size } = await stat(path);
    const now = new Date();
    await utimes(path, now, now);
    return { mediaType, digest, size, from, status: `using existing layer ${digest}` };
  }

  readBlob = (digest: string): Promise<Buffer> => readFile(this.blobPath(digest));

  private manifestPath({ host, namespace, model, tag }: Name): string {
    return join(this.folder, "manifests", host, namespace, model, tag);
  }

  async names(): Promise<Name[]> {
    const root = join(this.folder, "manifests");
    const found: Name[] = [];
    const walk = async (parts: string[]): Promise<void> => {
      const entries = await readdir(join(root, ...parts), { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        const [host = "", namespace = "", model = ""] = parts;
        if (parts.length < 3) await walk([...parts, entry.name]);
        else if (!entry.isDirectory()) {
          const name = { host, namespace, model, tag: entry.name };
          if (isValid(name)) found.push(name);
        }
      }
    };
    await walk([]);
    return found;
  }

  async read(name: Name): Promise<Stored | null> {
    const path = this.manifestPath(name);
    try {
      const bytes = await readFile(path);
      const info = await stat(path, { bigint: true });
      const nanoseconds = String(info.mtimeNs % 1_000_000_000n)
        .padStart(9, "0")
        .replace(/0+$/, "");
      const seconds = new Date(Number(info.mtimeMs / 1000n) * 1000).toISOString().slice(0, 19);
      return {
        name,
        manifest: manifestOf(bytes.toString("utf8")),
        digest: createHash("sha256").update(bytes).digest("hex"),
        modified: new Date(Number(info.mtimeMs)),
        modifiedText: `${seconds}${nanoseconds ? `.${nanoseconds}` : ""}Z`,
      };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async all(): Promise<Stored[]> {
    const found: Stored[] = [];
    for (const name of await this.names()) {
      const stored = await this.read(name).catch(() => null);
      if (stored) found.push(stored);
    }
    return found;
  }

  async write(name: Name, config: Layer, layers: Layer[]): Promise<void> {
    const path = this.manifestPath(name);
    const plain = ({ mediaType, digest, size, from }: Layer): GoValue => ({
      mediaType,
      digest,
      size,
      from: from || undefined,
    });
    await mkdir(dirname(path), { recursive: true });
    const manifest = { schemaVersion: 2, mediaType: manifestType, config: plain(config), layers: layers.map(plain) };
    await writeFile(path, `${goJson(manifest)}\n`, { mode: 0o644 });
  }

  async configLayer(config: GoValue): Promise<Layer> {
    const layer = await this.newLayer([Buffer.from(`${goJson(config)}\n`)], "config");
    return { mediaType: configType, digest: layer.digest, size: layer.size };
  }

  // Answers false when the source is not there; a folder for the target is made all the same.
  async copy(from: Name, to: Name): Promise<boolean> {
    const target = this.manifestPath(to);
    if (this.manifestPath(from) === target) return true;
    await mkdir(dirname(target), { recursive: true });
    try {
      await writeFile(target, await readFile(this.manifestPath(from)), { mode: 0o644 });
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async remove(stored: Stored): Promise<void> {
    await rm(this.manifestPath(stored.name), { force: true });
    await this.removeEmptyFolders(join(this.folder, "manifests"));
    await this.removeUnused(stored.manifest);
  }

  // Deletes those layers of a manifest that no manifest uses any more.
  async removeUnused(manifest: Manifest): Promise<void> {
    const used = new Set<string>();
    for (const other of await this.all())
      for (const layer of [...other.manifest.layers, other.manifest.config]) used.add(layer.digest);
    for (const { digest } of [...manifest.layers, manifest.config])
      if (digest && !used.has(digest)) await rm(this.blobPath(digest), { force: true });
  }

  // Two deletes at once walk the same folders: one of them finds a folder gone, or filled again, and that is well.
  private async removeEmptyFolders(folder: string): Promise<void> {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await this.removeEmptyFolders(join(folder, entry.name));
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(error.code ?? "")) throw error;
    });
  }

  // At start, blobs of no manifest that are older than an hour go, as do stray temporary files.
  private async prune(): Promise<void> {
    const used = new Set<string>();
    for (const { manifest } of await this.all())
      for (const layer of [...manifest.layers, manifest.config]) used.add(layer.digest.replace(":", "-"));
    const hourAgo = Date.now() - 3600_000;
    for (const file of await readdir(join(this.folder, "blobs"))) {
      const path = join(this.folder, "blobs", file);
      const { mtimeMs } = await stat(path);
      if (!used.has(file) && mtimeMs < hourAgo) await rm(path, { force: true });
    }
  }
}
