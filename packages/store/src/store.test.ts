import { createHash, randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Server, startS3, testKeys, versitygwProgram } from "../../../tests/support/s3-server.ts";
import { StoreCache } from "./cache.ts";
import { chunkBytes } from "./chunks.ts";
import { collectGarbage } from "./garbage.ts";
import { openStore } from "./open.ts";
import { S3Backend } from "./s3.ts";
import { Store } from "./store.ts";

const scratch = mkdtempSync(join(tmpdir(), "anneal-store-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;
const fresh = (name = "file") => join(scratch, `${name}-${count++}`);
const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
function fileOf(bytes: Uint8Array): string {
  const path = fresh();
  writeFileSync(path, bytes);
  return path;
}
async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}
const large = randomBytes(5 * chunkBytes + 12_345); // several chunks; two parts of an upload
const quick = { timeoutSeconds: 10, tries: 3, firstPauseSeconds: 0.01 };

/** The largest file of a folder: the object, wherever the server keeps it. */
function objectFile(folder: string, bytes: number): string {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && statSync(path).size === bytes) return path;
  }
  throw new Error(`no file of ${bytes} bytes`);
}

const gateway = versitygwProgram();
describe.each(["local", "s3rver", "versitygw"] as const)("%s", (kind) => {
  const skip = kind === "versitygw" && gateway.program === null;
  if (skip) {
    test.skip(`versitygw: ${gateway.why}`, () => undefined);
    return;
  }
  let server: S3Server | null = null;
  let folder: string;
  let open: (options?: { verify?: boolean }) => Store;
  beforeAll(async () => {
    if (kind === "local") {
      folder = fresh("store");
      open = (options) => openStore(folder, {}, options);
      return;
    }
    const started = await startS3(kind);
    server = started;
    folder = started.folder;
    open = (options) => openStore(started.location, testKeys, { limits: quick, ...options });
  });
  afterAll(() => server?.close());

  test("gives back what was put, whole and in part, small, empty and of several chunks", async () => {
    const store = open();
    for (const bytes of [Buffer.from("hello"), Buffer.alloc(0), large, large.subarray(0, chunkBytes)]) {
      const { digest, bytes: size } = await store.put(fileOf(bytes));
      expect(digest).toBe(digestOf(bytes));
      expect(size).toBe(bytes.byteLength);
      expect((await store.stat(digest))?.bytes).toBe(bytes.byteLength);
      expect((await collect(store.get(digest))).equals(bytes)).toBe(true);
    }
    const digest = digestOf(large);
    for (const [start, end] of [
      [0, 0],
      [chunkBytes - 1, chunkBytes],
      [123, 2 * chunkBytes + 5],
      [large.byteLength - 7, large.byteLength + 100],
    ] as const) {
      const part = await collect(store.get(digest, { start, end }));
      expect(part.equals(large.subarray(start, end + 1))).toBe(true);
    }
  });

  test("is known by the same identity to everybody, also to two who ask at once", async () => {
    const ids = await Promise.all([open().id(), open().id(), open().id()]);
    expect(new Set(ids).size).toBe(1);
  });

  test("lists objects and nothing else; a deleted one is gone", async () => {
    const store = open();
    const { digest } = await store.putBytes(Buffer.from("to be deleted"));
    const digests = async () => {
      const found: string[] = [];
      for await (const { digest } of store.list()) found.push(digest);
      return found;
    };
    expect(await digests()).toContain(digest);
    await store.delete(digest);
    expect(await digests()).not.toContain(digest);
    expect(await store.stat(digest)).toBeNull();
    await expect(collect(store.get(digest))).rejects.toThrow(/has no object sha256:/);
  });

  test("refuses a file that is not what its digest says", async () => {
    const store = open();
    if (kind === "local") return; // a link is not read: the caller has just computed the digest
    const path = fileOf(Buffer.from("other bytes"));
    await expect(store.put(path, { digest: digestOf(Buffer.from("these")) })).rejects.toThrow(/is not what was to be/);
    expect(await store.stat(digestOf(Buffer.from("these")))).toBeNull();
  });

  test("finds an altered byte before a byte of its chunk is given out; putting the file again repairs it", async () => {
    const store = open();
    const bytes = randomBytes(3 * chunkBytes + 1);
    const { digest } = await store.put(fileOf(bytes));
    const path = objectFile(folder, bytes.byteLength);
    const altered = Buffer.from(bytes);
    altered[2 * chunkBytes + 99] = (altered[2 * chunkBytes + 99] ?? 0) ^ 4;
    writeFileSync(path, altered);
    const given: Buffer[] = [];
    const read = async () => {
      for await (const part of store.get(digest)) given.push(Buffer.from(part));
    };
    await expect(read()).rejects.toThrow(/is damaged/);
    expect(Buffer.concat(given).equals(bytes.subarray(0, 2 * chunkBytes))).toBe(true);
    await expect(new StoreCache(store, fresh("cache"), 1e9).placeAt(digest, fresh("target"))).rejects.toThrow(
      /damaged/,
    );
    // Negative control: without the check the altered byte comes through.
    const blind = open({ verify: false });
    expect((await collect(blind.get(digest))).equals(altered)).toBe(true);
    const target = fresh("blind");
    await new StoreCache(blind, fresh("cache"), 1e9).placeAt(digest, target);
    expect(readFileSync(target).equals(altered)).toBe(true);
    await store.put(fileOf(bytes), { mend: true });
    expect((await collect(store.get(digest))).equals(bytes)).toBe(true);
  });

  test("makes the digests of chunks anew where they are lost or altered", async () => {
    const store = open();
    const bytes = randomBytes(2 * chunkBytes + 5);
    const { digest } = await store.put(fileOf(bytes));
    const key = digest.slice(7);
    await store.backend.write(`chunks/${key.slice(0, 2)}/${key.slice(2)}`, Buffer.from("nonsense"), { replace: true });
    expect((await collect(store.get(digest, { start: chunkBytes }))).equals(bytes.subarray(chunkBytes))).toBe(true);
  });

  test("collects what no row names, after its time of grace only", async () => {
    const store = open();
    const kept = (await store.putBytes(Buffer.from("a row names it"))).digest;
    const loose = (await store.putBytes(Buffer.from("nobody names it"))).digest;
    const again = (await store.putBytes(Buffer.from("nobody yet, but it was just put again"))).digest;
    const referenced = async () => new Set([kept]);
    const inAWeek = new Date(Date.now() + 7 * 86_400_000);
    const young = await collectGarbage(store, { referenced, graceMilliseconds: 86_400_000, now: new Date() });
    expect(young.deleted).toBe(0);
    const used = store.usedAt.bind(store);
    store.usedAt = async (digest) => (digest === again ? inAWeek : used(digest));
    await collectGarbage(store, { referenced, graceMilliseconds: 86_400_000, now: inAWeek });
    expect(await store.stat(kept)).not.toBeNull();
    expect(await store.stat(again)).not.toBeNull();
    expect(await store.stat(loose)).toBeNull();
  });

  test("a cache fetches once, keeps to its limit and mends what was altered in it", async () => {
    const store = open();
    const folder = fresh("cache");
    const cache = new StoreCache(store, folder, 3 * 1024 * 1024);
    const files = await Promise.all([1, 2, 3, 4].map(() => store.put(fileOf(randomBytes(1024 * 1024)))));
    for (const { digest } of files) {
      const target = fresh("target");
      await cache.placeAt(digest, target);
      expect(digestOf(readFileSync(target))).toBe(digest);
      rmSync(target);
    }
    if (kind === "local") return expect(existsSync(folder)).toBe(false); // links to the store: nothing is cached
    expect(readdirSync(join(folder, "objects"))).toHaveLength(3);
    const [, , , last] = files;
    if (!last) throw new Error("no file");
    writeFileSync(join(folder, "objects", last.digest.slice(7)), randomBytes(1024 * 1024));
    const target = fresh("target");
    await cache.placeAt(last.digest, target);
    expect(digestOf(readFileSync(target))).toBe(last.digest);
  });
});

test("a folder's store links files, so that nothing is written twice", async () => {
  const store = openStore(fresh("store"), {});
  const path = fileOf(randomBytes(1000));
  const { digest } = await store.put(path);
  expect(statSync(path).ino).toBe(statSync(store.pathOf(digest) ?? "").ino);
  const target = fresh("target");
  await new StoreCache(store, fresh("cache"), 0).placeAt(digest, target);
  expect(statSync(target).ino).toBe(statSync(path).ino);
  expect(() => linkSync(path, target)).toThrow(); // the target is there
});

describe("a server that fails", () => {
  test("is asked again until it answers; a fetch goes on after the bytes that came", async () => {
    const bytes = randomBytes(100_000);
    const asked: string[] = [];
    const flaky = createServer((request, response) => {
      asked.push(`${request.method} ${request.headers.range ?? ""}`);
      if (request.method === "HEAD") return response.writeHead(200, { "content-length": bytes.byteLength }).end();
      if (asked.length % 2 === 0) return response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
      const [, from = "0", to = ""] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
      const part = bytes.subarray(Number(from), to === "" ? undefined : Number(to) + 1);
      response.writeHead(206, { "content-length": part.byteLength });
      if (Number(from) < 50_000) response.write(part.subarray(0, 30_000), () => response.destroy());
      else response.end(part);
    });
    await new Promise<void>((resolve) => flaky.listen(0, "127.0.0.1", resolve));
    const address = flaky.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const settings = { endpoint: `http://127.0.0.1:${port}`, bucket: "b", region: "x", ...testKeys };
    const store = new Store(new S3Backend(settings, "", { ...quick, tries: 6 }));
    expect((await collect(store.get(digestOf(bytes)))).equals(bytes)).toBe(true);
    expect(asked.filter((line) => line.startsWith("GET bytes=30000-")).length).toBeGreaterThan(0);
    flaky.closeAllConnections();
    await new Promise((resolve) => flaky.close(resolve));
    await expect(store.reach()).rejects.toThrow(/the bucket b at http.* does not answer/);
  });

  test("whose bucket or keys are wrong says which", async () => {
    const server = await startS3();
    try {
      const wrong = openStore(server.location, { ...testKeys, secretAccessKey: "other" }, { limits: quick });
      await expect(wrong.putBytes(Buffer.from("x"))).rejects.toThrow(/refuses: status 403.*/);
      const other = openStore(server.location.replace("s3://anneal/", "s3://nobucket/"), testKeys, { limits: quick });
      await expect(other.putBytes(Buffer.from("x"))).rejects.toThrow(/refuses: NoSuchBucket.*/);
    } finally {
      await server.close();
    }
  });
});

test("a location that cannot be a store is refused by name", () => {
  expect(() => openStore("relative/folder", {})).toThrow(/ANNEAL_STORE: relative\/folder is neither/);
  expect(() => openStore("s3://bucket", {})).toThrow(/needs keys/);
  expect(() => openStore("s3://bucket?endpoint=ftp://x", testKeys)).toThrow(/is no http or https address/);
});
