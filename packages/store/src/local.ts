import { randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { say, type Words } from "@anneal/contracts";
import type { Backend, ObjectFacts, Range } from "./backend.ts";
import { hashFile } from "./chunks.ts";
import { changedFile, noObject } from "./faults.ts";
import { cannotLink, isCode } from "./file-codes.ts";

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder of this machine or a mount. A file on the same disk becomes an object by a hard link: no byte is copied. */
export class LocalBackend implements Backend {
  readonly name: Words;
  readonly location: string;
  constructor(private readonly folder: string) {
    this.name = say`the store in ${folder}`;
    this.location = folder;
  }

  pathOf(key: string): string {
    return join(this.folder, ...key.split("/"));
  }

  async *read(key: string, range: Range | null, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const bounds = range ? { start: range.start, end: range.end } : {};
    try {
      yield* createReadStream(this.pathOf(key), { ...bounds, highWaterMark: 1 << 20, signal });
    } catch (error) {
      throw isCode(error, "ENOENT") ? noObject(this.name, key) : error;
    }
  }

  /** Puts a file under a name of its own, then moves it to its key: nobody sees a part of it. */
  private async place(key: string, replace: boolean, make: (temporary: string) => Promise<void>): Promise<void> {
    const target = this.pathOf(key);
    const temporary = join(this.folder, "tmp", randomUUID());
    await mkdir(dirname(target), { recursive: true });
    await mkdir(dirname(temporary), { recursive: true });
    try {
      await make(temporary);
      await syncPath(temporary);
      if (replace) await rename(temporary, target);
      else
        await link(temporary, target).catch((error: unknown) => {
          if (!isCode(error, "EEXIST")) throw error;
        });
      await syncPath(dirname(target));
    } finally {
      await rm(temporary, { force: true });
    }
  }

  write(key: string, bytes: Uint8Array, { replace }: { replace: boolean }): Promise<void> {
    return this.place(key, replace, async (temporary) => {
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
    });
  }

  async writeFile(
    key: string,
    path: string,
    { sha256, replace, signal }: { sha256: string; replace: boolean; signal?: AbortSignal },
  ): Promise<void> {
    await this.place(key, replace, async (temporary) => {
      try {
        await link(path, temporary);
      } catch (error) {
        // Another file system, or one without hard links: the copy is proven, for it is other bytes than the caller's.
        if (!cannotLink(error)) throw error;
        await copyFile(path, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        if ((await hashFile(temporary, signal)).digest !== sha256) throw changedFile(path, `sha256:${sha256}`);
      }
    });
  }

  async stat(key: string): Promise<ObjectFacts | null> {
    try {
      const { size, mtime } = await stat(this.pathOf(key));
      return { bytes: size, modifiedAt: mtime };
    } catch (error) {
      if (isCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectFacts & { key: string }> {
    const top = this.pathOf(prefix);
    const entries = await readdir(top, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (isCode(error, "ENOENT")) return [];
      throw error;
    });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const key = relative(this.folder, join(entry.parentPath, entry.name)).split(sep).join("/");
      const facts = await this.stat(key);
      if (facts) yield { key, ...facts }; // null: removed meanwhile
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }
}
