import { createHash, randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Words } from "@anneal/contracts";
import type { Backend, Range } from "./backend.ts";
import { ChunkHasher, type ChunkList, chunkBytes, decodeList, encodeList, hashFile, inChunks } from "./chunks.ts";
import { type Digest, hexOf, sha256 } from "./digest.ts";
import { changedFile, damagedObject, noObject } from "./faults.ts";

export interface Stored {
  digest: Digest;
  bytes: number;
}

export interface StoreOptions {
  /** False only in negative controls of tests: bytes are given out as they are found. */
  verify?: boolean;
  /** The name that a store of an older home is known by; else one is made when the store is first asked. */
  knownAs?: string;
}

const objectKey = (hex: string) => `objects/${hex.slice(0, 2)}/${hex.slice(2)}`;
const chunksKey = (hex: string) => `chunks/${hex.slice(0, 2)}/${hex.slice(2)}`;
const identityKey = "store-id";

async function whole(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** Bytes by their SHA-256. What is put appears whole; what is got is proven, chunk by chunk, before it is given out. */
export class Store {
  readonly name: Words;
  readonly verify: boolean;
  private identity: Promise<string> | null = null;

  constructor(
    readonly backend: Backend,
    private readonly options: StoreOptions = {},
  ) {
    this.name = backend.name;
    this.verify = options.verify ?? true;
  }

  /** What the store is known by, the same on every host that reaches it; also shows that it can be reached. */
  id(): Promise<string> {
    const asked = this.identity ?? this.findId();
    this.identity = asked;
    asked.catch(() => {
      this.identity = null; // asked again next time
    });
    return asked;
  }

  private async findId(): Promise<string> {
    const read = async () => {
      const there = await this.backend.stat(identityKey);
      return there ? (await whole(this.backend.read(identityKey, null))).toString("utf8").trim() : null;
    };
    const before = await read();
    if (before) return before;
    // Of hosts that begin at once one makes it and all read it.
    await this.backend.write(identityKey, Buffer.from(this.options.knownAs ?? randomUUID()), { replace: false });
    return (await read()) ?? this.findId();
  }

  /** Asks the store itself, never memory: throws UNAVAILABLE where it is out of reach. */
  async reach(): Promise<string> {
    this.identity = null;
    return this.id();
  }

  /**
   * Stores a file. `digest`: the caller has just computed it. `mend`: an object that is there already is read and replaced where it
   * is damaged; else its size is enough.
   */
  async put(path: string, o: { digest?: Digest; mend?: boolean; signal?: AbortSignal } = {}): Promise<Stored> {
    const { signal } = o;
    const list = o.digest && this.backend.pathOf ? null : await hashFile(path, signal);
    const hex = o.digest ? hexOf(o.digest) : (list?.digest ?? "");
    if (list && list.digest !== hex) throw changedFile(path, `sha256:${hex}`);
    const { size: bytes } = await stat(path);
    const digest = `sha256:${hex}`;
    const there = await this.backend.stat(objectKey(hex));
    const fits = there?.bytes === bytes && !(o.mend && (await this.damaged(digest, signal)));
    if (fits) await this.markUsed(hex);
    else await this.backend.writeFile(objectKey(hex), path, { sha256: hex, replace: there !== null, signal });
    if (list) await this.writeList(list);
    return { digest, bytes };
  }

  async putBytes(bytes: Uint8Array): Promise<Stored> {
    const hex = sha256(bytes);
    const there = await this.backend.stat(objectKey(hex));
    if (there?.bytes === bytes.byteLength) await this.markUsed(hex);
    else await this.backend.write(objectKey(hex), bytes, { replace: there !== null });
    return { digest: `sha256:${hex}`, bytes: bytes.byteLength };
  }

  // An old object that is put once more belongs to somebody whose row is about to be written: see collectGarbage.
  private markUsed = (hex: string) => this.backend.write(`used/${hex}`, new Uint8Array(), { replace: true });

  private async writeList(list: ChunkList): Promise<void> {
    if (list.bytes > chunkBytes) await this.backend.write(chunksKey(list.digest), encodeList(list), { replace: true });
  }

  async stat(digest: Digest): Promise<{ bytes: number; modifiedAt: Date } | null> {
    return this.backend.stat(objectKey(hexOf(digest)));
  }

  /** The digests of an object's chunks; where they are lost or damaged they are made anew from the whole, once it is proven. */
  private async chunksOf(hex: string, bytes: number, signal?: AbortSignal): Promise<ChunkList> {
    if (bytes <= chunkBytes) return { digest: hex, bytes, chunkBytes, chunks: [hex] };
    if (await this.backend.stat(chunksKey(hex))) {
      const list = decodeList(await whole(this.backend.read(chunksKey(hex), null, signal)), hex);
      if (list?.bytes === bytes) return list;
    }
    const hasher = new ChunkHasher();
    for await (const part of this.backend.read(objectKey(hex), null, signal)) hasher.update(part);
    const list = hasher.list();
    if (list.digest !== hex) throw damagedObject(this.name, `sha256:${hex}`);
    await this.writeList(list);
    return list;
  }

  /** The bytes of an object, or of a part of it. A chunk with a wrong byte is refused before any byte of it is given out. */
  async *get(digest: Digest, o: Partial<Range> & { signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const hex = hexOf(digest);
    const facts = await this.backend.stat(objectKey(hex));
    if (!facts) throw noObject(this.name, digest);
    const start = o.start ?? 0;
    const end = Math.min(o.end ?? facts.bytes - 1, facts.bytes - 1);
    if (facts.bytes === 0 && this.verify && sha256("") !== hex) throw damagedObject(this.name, digest);
    if (start > end) return;
    if (!this.verify) {
      yield* this.backend.read(objectKey(hex), { start, end }, o.signal);
      return;
    }
    const list = await this.chunksOf(hex, facts.bytes, o.signal);
    let number = Math.floor(start / list.chunkBytes);
    const first = number * list.chunkBytes;
    const last = Math.min((Math.floor(end / list.chunkBytes) + 1) * list.chunkBytes, list.bytes) - 1;
    let at = first;
    const bytes = this.backend.read(objectKey(hex), { start: first, end: last }, o.signal);
    for await (const chunk of inChunks(bytes, list.chunkBytes)) {
      if (sha256(chunk) !== list.chunks[number++]) throw damagedObject(this.name, digest);
      yield chunk.subarray(Math.max(0, start - at), end - at + 1);
      at += chunk.byteLength;
    }
    if (at !== last + 1) throw damagedObject(this.name, digest);
  }

  /** Reads the whole object and says whether a byte of it is wrong. */
  async damaged(digest: Digest, signal?: AbortSignal): Promise<boolean> {
    const hex = hexOf(digest);
    const hash = createHash("sha256");
    for await (const part of this.backend.read(objectKey(hex), null, signal)) hash.update(part);
    return hash.digest("hex") !== hex;
  }

  async bytes(digest: Digest, signal?: AbortSignal): Promise<Buffer> {
    return whole(this.get(digest, { signal }));
  }

  /** The object as a file of this machine, where the store is a folder. Its bytes are not read here. */
  pathOf(digest: Digest): string | null {
    return this.backend.pathOf?.(objectKey(hexOf(digest))) ?? null;
  }

  async *list(): AsyncGenerator<Stored & { modifiedAt: Date }> {
    for await (const { key, bytes, modifiedAt } of this.backend.list("objects/")) {
      const hex = /^objects\/([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(key)?.slice(1).join("");
      if (hex) yield { digest: `sha256:${hex}`, bytes, modifiedAt };
    }
  }

  /** When the object was last put though it was there already. */
  async usedAt(digest: Digest): Promise<Date | null> {
    return (await this.backend.stat(`used/${hexOf(digest)}`))?.modifiedAt ?? null;
  }

  async delete(digest: Digest): Promise<void> {
    const hex = hexOf(digest);
    for (const key of [objectKey(hex), chunksKey(hex), `used/${hex}`]) await this.backend.remove(key);
  }
}
