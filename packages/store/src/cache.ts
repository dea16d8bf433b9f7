import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hashFile } from "./chunks.ts";
import { type Digest, hexOf } from "./digest.ts";
import { damagedObject } from "./faults.ts";
import { cannotLink, isCode } from "./file-codes.ts";
import type { Store } from "./store.ts";

const stateOf = ({ ino, size, mtimeMs, ctimeMs }: Stats) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`;

/**
 * Objects of a store as files of this machine. A store in a folder on the same disk is linked to, never copied; others are
 * fetched into a folder of limited size, from which the least recently used go first.
 */
export class StoreCache {
  private readonly fetching = new Map<Digest, Promise<string>>();
  private readonly proven = new Map<string, string>();

  constructor(
    readonly store: Store,
    private readonly folder: string,
    private readonly maxBytes: number,
  ) {}

  private pathOf = (digest: Digest) => join(this.folder, "objects", hexOf(digest));

  /** Makes `target` the object, by a link where the disk allows it; an older file of that name is replaced at once. */
  async placeAt(digest: Digest, target: string, signal?: AbortSignal): Promise<void> {
    await mkdir(dirname(target), { recursive: true });
    const temporary = `${target}.${randomUUID()}.tmp`;
    const local = this.store.pathOf(digest);
    try {
      if (!(local && (await linked(local, temporary)))) {
        const cached = await this.fetch(digest, signal);
        if (!(await linked(cached, temporary))) await copyFile(cached, temporary, constants.COPYFILE_FICLONE);
      }
      await this.prove(digest, temporary, signal);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  // A link made by us changes the change time, so a file is read again after it; a fetched one has just been proven.
  private async prove(digest: Digest, path: string, signal?: AbortSignal): Promise<void> {
    if (!this.store.verify) return;
    const { digest: found } = await hashFile(path, signal);
    if (`sha256:${found}` === digest) return;
    await rm(this.pathOf(digest), { force: true }); // fetched anew next time
    throw damagedObject(this.store.name, digest);
  }

  /** The object as a file of the cache, proven; it stays at least until the next fetch. */
  private fetch(digest: Digest, signal?: AbortSignal): Promise<string> {
    const running = this.fetching.get(digest);
    if (running) return running;
    const work = this.fetchNow(digest, signal).finally(() => this.fetching.delete(digest));
    this.fetching.set(digest, work);
    return work;
  }

  private async fetchNow(digest: Digest, signal?: AbortSignal): Promise<string> {
    const path = this.pathOf(digest);
    const there = await stat(path).catch((error: unknown) => {
      if (isCode(error, "ENOENT")) return null;
      throw error;
    });
    if (there) {
      if (this.proven.get(path) === stateOf(there) || (await this.whole(digest, path))) {
        await utimes(path, new Date(), there.mtime);
        this.proven.set(path, stateOf(await stat(path)));
        return path;
      }
      await rm(path, { force: true });
    }
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.partial`;
    const file = await open(partial, "a");
    try {
      // What a broken fetch left is gone on with: the object as a whole is proven at the end.
      const start = (await file.stat()).size;
      for await (const bytes of this.store.get(digest, { start, signal })) await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!(await this.whole(digest, partial))) {
      await rm(partial, { force: true });
      throw damagedObject(this.store.name, digest);
    }
    await rename(partial, path);
    this.proven.set(path, stateOf(await stat(path)));
    await this.shrink(path);
    return path;
  }

  private async whole(digest: Digest, path: string): Promise<boolean> {
    return !this.store.verify || `sha256:${(await hashFile(path)).digest}` === digest;
  }

  /** Files that a run's folder links to are in use and stay, whatever the limit. */
  private async shrink(keep: string): Promise<void> {
    const folder = dirname(keep);
    const files: { path: string; bytes: number; used: number; links: number }[] = [];
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null); // another process has removed it
      if (found) files.push({ path, bytes: found.size, used: found.atimeMs, links: found.nlink });
    }
    let held = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes, links } of files.sort((a, b) => a.used - b.used)) {
      if (held <= this.maxBytes) return;
      if (path === keep || links > 1) continue;
      await rm(path, { force: true });
      this.proven.delete(path);
      held -= bytes;
    }
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    // The store says by itself what it lacks.
    if (cannotLink(error) || isCode(error, "ENOENT")) return false;
    throw error;
  }
}
