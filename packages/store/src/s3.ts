import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Words } from "@anneal/contracts";
import type { Backend, ObjectFacts, Range } from "./backend.ts";
import { ChunkHasher, inChunks } from "./chunks.ts";
import { sha256 } from "./digest.ts";
import { changedFile, noObject, unreachable } from "./faults.ts";
import { element, S3Client, type S3Limits, type S3Settings } from "./s3-client.ts";

const smallestPart = 16 * 1024 * 1024;
const mostParts = 10_000;

// By a reader: in the types of the browser, which the console is checked with, a stream knows no iteration.
async function* bytesOf(answer: Response): AsyncIterable<Uint8Array> {
  const reader = answer.body?.getReader();
  if (!reader) return;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel().catch(() => undefined); // whoever reads no further leaves no connection behind
  }
}

/** A bucket of any S3-compatible server. A part's SHA-256 is signed, so the server refuses bytes that changed on the way. */
export class S3Backend implements Backend {
  readonly name: Words;
  readonly location: string;
  private readonly client: S3Client;
  // Servers that do not know conditional writes get plain ones: the same digest is the same bytes, so nothing is lost.
  private conditional = true;

  constructor(
    settings: S3Settings,
    private readonly prefix: string,
    limits?: S3Limits,
  ) {
    this.client = new S3Client(settings, limits);
    this.name = this.client.name;
    this.location = `${this.client.location}/${prefix}`;
  }

  private key = (key: string) => `${this.prefix}${key}`;

  /** Goes on after the last byte that came where a connection breaks. */
  async *read(key: string, range: Range | null, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const { tries, timeoutSeconds } = this.client.limits;
    let at = range?.start ?? 0;
    let end = range?.end ?? null;
    for (let broken = 0; end === null || at <= end; ) {
      const headers: Record<string, string> =
        end === null && at === 0 ? {} : { range: `bytes=${at}-${end === null ? "" : end}` };
      const stop = new AbortController();
      const forward = () => stop.abort(signal?.reason);
      signal?.addEventListener("abort", forward);
      let silence = setTimeout(() => stop.abort(new Error("no byte came in time")), timeoutSeconds * 1000);
      try {
        const answer = await this.client.send({
          method: "GET",
          key: this.key(key),
          headers,
          accept: [200, 206, 404, 416],
          signal: stop.signal,
        });
        if (answer.status === 404) throw noObject(this.name, key);
        if (answer.status === 416) return;
        const length = Number(answer.headers.get("content-length"));
        if (end === null && Number.isFinite(length)) end = at + length - 1;
        if (at > 0 && answer.status === 200) throw unreachable(this.name, new Error("it does not serve ranges"));
        for await (const bytes of bytesOf(answer)) {
          clearTimeout(silence);
          silence = setTimeout(() => stop.abort(new Error("no byte came in time")), timeoutSeconds * 1000);
          at += bytes.byteLength;
          broken = 0;
          yield bytes;
        }
        if (end === null || at > end) return;
        throw new Error(`the connection ended at byte ${at} of ${end + 1}`);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (error instanceof Error && "problem" in error) throw error;
        if (++broken >= tries) throw unreachable(this.name, error);
        await this.client.pause(broken, signal);
      } finally {
        clearTimeout(silence);
        signal?.removeEventListener("abort", forward);
        stop.abort();
      }
    }
  }

  private async put(request: Parameters<S3Client["send"]>[0], replace: boolean): Promise<Response> {
    if (replace || !this.conditional) return this.client.send(request);
    const headers = { ...request.headers, "if-none-match": "*" };
    // 412: it is there already. 501: the server knows no conditions.
    const answer = await this.client.send({ ...request, headers, accept: [...request.accept, 412, 501] });
    if (answer.status !== 501) return answer;
    this.conditional = false;
    return this.client.send(request);
  }

  async write(key: string, bytes: Uint8Array, { replace }: { replace: boolean }): Promise<void> {
    const request = { method: "PUT" as const, key: this.key(key), body: bytes, sha256: sha256(bytes), accept: [200] };
    await (await this.put(request, replace)).text();
  }

  async writeFile(
    key: string,
    path: string,
    options: { sha256: string; replace: boolean; signal?: AbortSignal },
  ): Promise<void> {
    const { size } = await stat(path);
    const partBytes = Math.max(smallestPart, Math.ceil(size / mostParts));
    const parts = inChunks(createReadStream(path, { highWaterMark: 1 << 20, signal: options.signal }), partBytes);
    if (size <= partBytes) {
      const { value = Buffer.alloc(0) } = await parts.next();
      if (sha256(value) !== options.sha256) throw changedFile(path, `sha256:${options.sha256}`);
      return this.write(key, value, options);
    }
    await this.writeParts(key, path, parts, options);
  }

  private async writeParts(
    key: string,
    path: string,
    parts: AsyncIterable<Buffer>,
    { sha256: expected, replace, signal }: { sha256: string; replace: boolean; signal?: AbortSignal },
  ): Promise<void> {
    const at = { key: this.key(key), signal };
    const started = await this.client.send({ ...at, method: "POST", query: { uploads: "" }, accept: [200] });
    const uploadId = element(await started.text(), "UploadId");
    if (!uploadId) throw unreachable(this.name, new Error("it named no upload"));
    try {
      const hasher = new ChunkHasher();
      const done: string[] = [];
      for await (const body of parts) {
        hasher.update(body);
        const query = { partNumber: String(done.length + 1), uploadId };
        const part = { ...at, method: "PUT" as const, query, body, sha256: sha256(body), accept: [200] };
        const answer = await this.client.send(part);
        await answer.text();
        const tag = answer.headers.get("etag") ?? "";
        done.push(`<Part><PartNumber>${done.length + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
      }
      if (hasher.list().digest !== expected) throw changedFile(path, `sha256:${expected}`);
      const xml = Buffer.from(`<CompleteMultipartUpload>${done.join("")}</CompleteMultipartUpload>`);
      const complete = { ...at, method: "POST" as const, query: { uploadId }, body: xml, sha256: sha256(xml) };
      const answer = await this.put({ ...complete, accept: [200] }, replace);
      const text = await answer.text();
      // A server answers 200 before it knows how joining the parts ends; its words say it.
      if (answer.status === 200 && element(text, "Code"))
        throw unreachable(this.name, new Error(element(text, "Message") ?? "the parts were not joined"));
      if (answer.status === 412) await this.abandon(key, uploadId);
    } catch (error) {
      await this.abandon(key, uploadId).catch(() => undefined); // what stays is cleared by the bucket's own rules
      throw error;
    }
  }

  private async abandon(key: string, uploadId: string): Promise<void> {
    const request = { method: "DELETE" as const, key: this.key(key), query: { uploadId }, accept: [204, 404] };
    await (await this.client.send(request)).text();
  }

  async stat(key: string): Promise<ObjectFacts | null> {
    const answer = await this.client.send({ method: "HEAD", key: this.key(key), accept: [200, 404] });
    if (answer.status === 404) return null;
    return {
      bytes: Number(answer.headers.get("content-length")),
      modifiedAt: new Date(answer.headers.get("last-modified") ?? 0),
    };
  }

  async *list(prefix: string): AsyncIterable<ObjectFacts & { key: string }> {
    let token: string | null = null;
    do {
      const query: Record<string, string> = { "list-type": "2", prefix: this.key(prefix) };
      if (token !== null) query["continuation-token"] = token;
      const answer = await this.client.send({ method: "GET", query, accept: [200] });
      const xml = await answer.text();
      for (const [, content = ""] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const key = element(content, "Key") ?? "";
        if (!key.startsWith(this.prefix)) continue;
        const modifiedAt = new Date(element(content, "LastModified") ?? 0);
        yield { key: key.slice(this.prefix.length), bytes: Number(element(content, "Size")), modifiedAt };
      }
      token = element(xml, "IsTruncated") === "true" ? element(xml, "NextContinuationToken") : null;
    } while (token !== null);
  }

  async remove(key: string): Promise<void> {
    await (await this.client.send({ method: "DELETE", key: this.key(key), accept: [200, 204, 404] })).text();
  }
}
