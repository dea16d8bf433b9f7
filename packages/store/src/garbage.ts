import type { Digest } from "./digest.ts";
import type { Store } from "./store.ts";

export interface GarbageOptions {
  /** Which of these digests a row still names. */
  referenced(digests: readonly Digest[]): Promise<ReadonlySet<Digest>>;
  /** Younger objects stay: a row that names them may be about to be written. */
  graceMilliseconds: number;
  now: Date;
  signal?: AbortSignal;
}

const atOnce = 500;

/** Deletes objects that no row names and that nobody has put for the time of grace. */
export async function collectGarbage(store: Store, o: GarbageOptions): Promise<{ deleted: number; bytes: number }> {
  const before = o.now.getTime() - o.graceMilliseconds;
  const result = { deleted: 0, bytes: 0 };
  let waiting: { digest: Digest; bytes: number }[] = [];
  async function clear(): Promise<void> {
    const named = await o.referenced(waiting.map(({ digest }) => digest));
    for (const { digest, bytes } of waiting) {
      o.signal?.throwIfAborted();
      if (named.has(digest)) continue;
      const used = await store.usedAt(digest);
      if (used && used.getTime() >= before) continue;
      // Asked once more: between the first answer and now a row may have come.
      if ((await o.referenced([digest])).has(digest)) continue;
      await store.delete(digest);
      result.deleted++;
      result.bytes += bytes;
    }
    waiting = [];
  }
  for await (const { digest, bytes, modifiedAt } of store.list()) {
    if (modifiedAt.getTime() >= before) continue;
    waiting.push({ digest, bytes });
    if (waiting.length >= atOnce) await clear();
  }
  if (waiting.length > 0) await clear();
  return result;
}
