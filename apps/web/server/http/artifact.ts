import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import { Readable } from "node:stream";
import { type ArtifactSummary, type Phrase, ServiceError, say } from "@anneal/contracts";
import { artifacts, system } from "@anneal/services";
import { contextFor, requireCaller } from "../identify.ts";
import { peerOf } from "../peer.ts";
import { edge } from "./edge.ts";
import { rangeOf } from "./range.ts";

const damaged = (artifact: ArtifactSummary, why: Phrase) =>
  new ServiceError("PRECONDITION_FAILED", say`${artifact.name} is not what was exported: ${why}`, {
    remedy: say`export it again (publish again, or run it again)`,
  });

// The row's path is ours, yet it never leads out of the runs' folder, not by a link either.
async function openArtifact(
  artifact: ArtifactSummary,
  runsFolder: string,
): Promise<{ path: string; file: FileHandle }> {
  const named = isAbsolute(artifact.path) ? artifact.path : join(runsFolder, artifact.path);
  try {
    const path = await realpath(named);
    if (!path.startsWith((await realpath(runsFolder)) + sep))
      throw damaged(artifact, say`its path leaves the runs' folder`);
    return { path, file: await open(path, "r") };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new ServiceError("NOT_FOUND", say`the file of ${artifact.name} is gone from the disk`, {
      remedy: say`export it again (publish again, or run it again)`,
    });
  }
}

// A file is hashed when first asked for and again when it has changed; big models are not read twice for every download.
const proven = new Map<string, string>();
const maxProven = 1000;

async function prove(artifact: ArtifactSummary, path: string, file: FileHandle, signal: AbortSignal): Promise<void> {
  const { size, mtimeMs, ctimeMs, ino, isFile } = await file.stat().then((s) => ({ ...s, isFile: s.isFile() }));
  if (!isFile) throw damaged(artifact, say`it is not a file`);
  if (size !== artifact.bytes) throw damaged(artifact, say`it has ${size} bytes, not ${artifact.bytes}`);
  const state = `${ino} ${size} ${mtimeMs} ${ctimeMs} ${artifact.digest}`;
  if (proven.get(path) === state) return;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, {
    fd: file.fd,
    autoClose: false,
    start: 0,
    signal,
    highWaterMark: 1 << 20,
  }))
    hash.update(chunk);
  if (`sha256:${hash.digest("hex")}` !== artifact.digest) throw damaged(artifact, say`its SHA-256 differs`);
  proven.set(path, state);
  if (proven.size > maxProven) proven.delete(proven.keys().next().value ?? "");
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
  const { path, file } = await openArtifact(artifact, server.env.paths.runs);
  try {
    await prove(artifact, path, file, request.signal);
    const inline = url.searchParams.get("inline") === "1" && artifact.kind === "report";
    const range = rangeOf(request.headers.get("range"), artifact.bytes);
    if (range === "beyond") {
      await file.close();
      return new Response(null, { status: 416, headers: { "content-range": `bytes */${artifact.bytes}` } });
    }
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
    // The console shows the report again and again; what is taken along is told, every part of it.
    if (request.method !== "HEAD" && !inline)
      await system.recordAccess(ctx, "artifact.download", artifact.id, {
        name: artifact.name,
        bytes: end - start + 1,
        address: peerOf(request.headers),
      });
    if (request.method === "HEAD" || artifact.bytes === 0) {
      await file.close();
      return new Response(null, { status, headers });
    }
    const { signal, release } = server.openStreams.guard(caller.credential, request.signal);
    const bytes = file.createReadStream({ start, end, highWaterMark: 1 << 18, signal }); // closes the file
    bytes.once("close", release);
    bytes.on("error", (error) => server.log.warn({ error: error.message, artifactId }, "a download broke off"));
    return new Response(Readable.toWeb(bytes) as ReadableStream<Uint8Array>, { status, headers });
  } catch (error) {
    await file.close();
    throw error;
  }
});
