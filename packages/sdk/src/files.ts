import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ArtifactSummary, artifactPath, Problem, ServiceError, UploadInspection } from "@anneal/contracts";
import { z } from "zod";
import { authHeaders, baseUrl, type Connection } from "./client.ts";

export interface TransferOptions {
  onProgress?: (doneBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

const Refusal = z.object({ problem: Problem });

export async function refusalOf(response: Response): Promise<ServiceError> {
  const text = await response.text();
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // not an answer of Anneal; told below by its status
  }
  const refusal = Refusal.safeParse(body);
  if (!refusal.success)
    return new ServiceError("INTERNAL", `the server answered ${response.status} ${response.statusText}`, {
      remedy: "check that ANNEAL_URL names an Anneal server",
    });
  const { code, message, field, remedy, details } = refusal.data.problem;
  return new ServiceError(code, message, { field: field ?? undefined, remedy: remedy ?? undefined, details });
}

function meter(total: number, onProgress: TransferOptions["onProgress"]): Transform {
  let done = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      onProgress?.(done, total);
      next(null, chunk);
    },
  });
}

/** Sends a dataset file; the answer says what was found in it. `commit` then makes a version of it. */
export async function uploadDataset(
  connection: Connection,
  path: string,
  options: TransferOptions & { name?: string } = {},
): Promise<UploadInspection> {
  const { size } = await stat(path);
  const body = createReadStream(path).pipe(meter(size, options.onProgress));
  const init: RequestInit & { duplex: "half" } = {
    method: "PUT",
    headers: {
      ...authHeaders(connection),
      "content-type": "application/octet-stream",
      "content-length": String(size),
    },
    body: Readable.toWeb(body) as ReadableStream<Uint8Array>,
    duplex: "half",
    signal: options.signal,
  };
  const name = encodeURIComponent(options.name ?? basename(path));
  const response = await fetch(`${baseUrl(connection.url)}/api/uploads?name=${name}`, init);
  if (!response.ok) throw await refusalOf(response);
  return UploadInspection.parse(await response.json());
}

/** Fetches an artifact; the file gets its name only when its SHA-256 is the promised one. */
export async function downloadArtifact(
  connection: Connection,
  artifact: Pick<ArtifactSummary, "id" | "bytes" | "digest">,
  path: string,
  options: TransferOptions = {},
): Promise<void> {
  const response = await fetch(baseUrl(connection.url) + artifactPath(artifact.id), {
    headers: authHeaders(connection),
    signal: options.signal,
  });
  if (!response.ok || !response.body) throw await refusalOf(response);
  const part = `${path}.part`;
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      next(null, chunk);
    },
  });
  try {
    const from = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    await pipeline(from, meter(artifact.bytes, options.onProgress), hashing, createWriteStream(part, { mode: 0o600 }));
    if (`sha256:${hash.digest("hex")}` !== artifact.digest)
      throw new ServiceError("INTERNAL", `${path} arrived damaged: its SHA-256 differs`, {
        remedy: "download it again",
      });
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}
