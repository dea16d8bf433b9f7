import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { say } from "@anneal/contracts";
import { OllamaError } from "./error.ts";
import { aborted } from "./transport.ts";

const readBytes = 4 * 1024 * 1024;

export interface HashedFile {
  path: string;
  digest: string; // sha256:<64 hex>
  bytes: number;
  modifiedMs: number;
}

export function fileError(path: string, error: unknown): OllamaError {
  const why = error instanceof Error ? error.message : String(error);
  return new OllamaError("OLLAMA_FILE", say`the file ${path} cannot be read: ${why}`, {
    remedy: say`export the model again`,
    cause: error,
  });
}

// The digest comes before the first byte is sent: the server is asked by digest and stores under it.
export async function hashFile(
  path: string,
  options: { onBytes?: (done: number, total: number) => void; signal?: AbortSignal | undefined } = {},
): Promise<HashedFile> {
  const { signal } = options;
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new Error("it is not a regular file");
    const hash = createHash("sha256");
    let done = 0;
    for await (const piece of createReadStream(path, { highWaterMark: readBytes, ...(signal ? { signal } : {}) })) {
      hash.update(piece);
      done += piece.length;
      options.onBytes?.(done, info.size);
    }
    if (done !== info.size) throw new Error(`it changed while being read (${done} of ${info.size} bytes)`);
    return { path, digest: `sha256:${hash.digest("hex")}`, bytes: info.size, modifiedMs: info.mtimeMs };
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    throw fileError(path, error);
  }
}
