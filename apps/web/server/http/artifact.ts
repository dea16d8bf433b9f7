import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { sep } from "node:path";
import { Readable } from "node:stream";
import { type ArtifactSummary, type Phrase, ServiceError, say } from "@anneal/contracts";
import { artifacts, storage, system } from "@anneal/services";
import { hashFile } from "@anneal/store";
import { contextFor, requireCaller } from "../identify.ts";
import { peerOf } from "../peer.ts";
import type { Server } from "../process.ts";
import { edge } from "./edge.ts";
import { rangeOf } from "./range.ts";

const damaged = (artifact: ArtifactSummary, why: Phrase, cause?: unknown) =>
  new ServiceError("PRECONDITION_FAILED", say`${artifact.name} is not what was exported: ${why}`, {
    remedy: say`export it again (publish again, or run it again)`,
    cause,
  });

/** The artifact lies in the store, with the size that its row says. One from before there was a store is brought into it. */
async function requireStored(artifact: ArtifactSummary, { services }: Server): Promise<void> {
  const { store } = services.files;
  let found = await store.stat(artifact.digest);
  if (!found && artifact.runId) {
    const path = storage.runFilePath(services, artifact.runId, artifact.file);
    if (existsSync(path)) {
      if (!(await realpath(path)).startsWith((await realpath(services.paths.runs)) + sep))
        throw damaged(artifact, say`its path leaves the runs' folder`);
      if (`sha256:${(await hashFile(path)).digest}` !== artifact.digest)
        throw damaged(artifact, say`its SHA-256 differs`);
      await store.put(path, { digest: artifact.digest });
      found = await store.stat(artifact.digest);
    }
  }
  if (!found)
    throw new ServiceError("NOT_FOUND", say`the file of ${artifact.name} is gone from the store`, {
      remedy: say`export it again (publish again, or run it again)`,
    });
  if (found.bytes !== artifact.bytes) throw damaged(artifact, say`it has ${found.bytes} bytes, not ${artifact.bytes}`);
}

/** The bytes of a part, proven chunk by chunk. The first chunk is read here: a damaged one is refused before an answer begins. */
async function openPart(
  artifact: ArtifactSummary,
  { services }: Server,
  part: { start: number; end: number; signal: AbortSignal },
): Promise<AsyncGenerator<Uint8Array>> {
  const source = services.files.store.get(artifact.digest, part);
  const first = await source.next().catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === "CONFLICT")
      throw damaged(artifact, say`its SHA-256 differs`, error);
    throw error;
  });
  return (async function* () {
    let left = part.end - part.start + 1;
    for (let next = first; !next.done; next = await source.next()) {
      left -= next.value.byteLength;
      yield next.value;
    }
    // The browser counts as well: it was promised so many.
    if (left !== 0) throw new Error(`${artifact.digest} ended ${left} bytes early`);
  })();
}

const asciiName = (name: string) => name.replace(/[^A-Za-z0-9._-]/g, "_");
const disposition = (name: string) =>
  `attachment; filename="${asciiName(name)}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;

// The report is HTML with inline styles and pictures and no script. `sandbox` takes even its origin away.
const reportHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-disposition": "inline",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
};

/** GET /api/artifacts/ID[?inline=1]: the bytes, if they are still those that were exported. */
export const getArtifact = edge(async (request, server) => {
  const url = new URL(request.url);
  const artifactId = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
  const caller = await requireCaller(server, request);
  const ctx = contextFor(server, caller, request.signal);
  const artifact = await artifacts.get(ctx, { artifactId });
  await requireStored(artifact, server);
  const inline = url.searchParams.get("inline") === "1" && artifact.kind === "report";
  const range = rangeOf(request.headers.get("range"), artifact.bytes);
  if (range === "beyond")
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${artifact.bytes}` } });
  const { start, end } = range ?? { start: 0, end: artifact.bytes - 1 };
  const headers = new Headers({
    "content-type": "application/octet-stream",
    "content-disposition": disposition(artifact.name),
    ...(inline ? reportHeaders : {}),
    "content-length": String(end - start + 1),
    "accept-ranges": "bytes",
    etag: `"${artifact.digest}"`,
  });
  if (range) headers.set("content-range", `bytes ${start}-${end}/${artifact.bytes}`);
  const status = range ? 206 : 200;
  if (request.method === "HEAD" || artifact.bytes === 0) return new Response(null, { status, headers });
  const { signal, release } = server.openStreams.guard(caller.credential, request.signal);
  try {
    const bytes = Readable.from(await openPart(artifact, server, { start, end, signal }));
    // The console shows the report again and again; what is taken along is told, every part of it.
    if (!inline)
      await system.recordAccess(ctx, "artifact.download", artifact.id, {
        name: artifact.name,
        bytes: end - start + 1,
        address: peerOf(request.headers),
      });
    bytes.once("close", release);
    bytes.on("error", (error) => server.log.warn({ error: error.message, artifactId }, "a download broke off"));
    return new Response(Readable.toWeb(bytes) as ReadableStream<Uint8Array>, { status, headers });
  } catch (error) {
    release();
    throw error;
  }
});
