import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { z } from "zod";
import { sha256 } from "./digest.ts";

// Beside an object of several chunks lies the SHA-256 of each chunk: a part of a large file is proven before it is given out,
// without reading the whole. The list carries its own SHA-256 in its first line.
export const chunkBytes = 4 * 1024 * 1024;

const ChunkList = z.object({
  digest: z.string(), // of the whole object, hex
  bytes: z.int().nonnegative(),
  chunkBytes: z.int().positive(),
  chunks: z.array(z.string()),
});
export type ChunkList = z.infer<typeof ChunkList>;

export function encodeList(list: ChunkList): Uint8Array {
  const body = JSON.stringify(list);
  return Buffer.from(`${sha256(body)}\n${body}`);
}

/** Null: a byte of the list is another than was written. */
export function decodeList(bytes: Uint8Array, digest: string): ChunkList | null {
  const text = Buffer.from(bytes).toString("utf8");
  const body = text.slice(65);
  if (text[64] !== "\n" || sha256(body) !== text.slice(0, 64)) return null;
  const list = ChunkList.parse(JSON.parse(body));
  return list.digest === digest ? list : null;
}

/** Takes bytes as they come and cuts them into whole chunks; the last may be shorter. */
export async function* inChunks(source: AsyncIterable<Uint8Array>, size = chunkBytes): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (let bytes of source) {
    while (held + bytes.byteLength >= size) {
      const taken = bytes.subarray(0, size - held);
      yield Buffer.concat([...parts, taken]);
      bytes = bytes.subarray(taken.byteLength);
      parts = [];
      held = 0;
    }
    if (bytes.byteLength > 0) parts.push(bytes);
    held += bytes.byteLength;
  }
  if (held > 0) yield Buffer.concat(parts);
}

/** Hashes an object while it passes: as a whole and chunk by chunk. */
export class ChunkHasher {
  private readonly whole = createHash("sha256");
  private chunk = createHash("sha256");
  private held = 0;
  private readonly chunks: string[] = [];
  bytes = 0;

  update(data: Uint8Array): void {
    this.whole.update(data);
    this.bytes += data.byteLength;
    for (let at = 0; at < data.byteLength; ) {
      const part = data.subarray(at, at + chunkBytes - this.held);
      this.chunk.update(part);
      this.held += part.byteLength;
      at += part.byteLength;
      if (this.held === chunkBytes) this.endChunk();
    }
  }

  private endChunk(): void {
    this.chunks.push(this.chunk.digest("hex"));
    this.chunk = createHash("sha256");
    this.held = 0;
  }

  list(): ChunkList {
    if (this.held > 0) this.endChunk();
    return { digest: this.whole.digest("hex"), bytes: this.bytes, chunkBytes, chunks: this.chunks };
  }
}

/** The digests of a file, in one pass. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<ChunkList> {
  const hasher = new ChunkHasher();
  for await (const data of createReadStream(path, { highWaterMark: 1 << 20, signal })) hasher.update(data);
  return hasher.list();
}
