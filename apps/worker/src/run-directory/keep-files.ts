import { join } from "node:path";
import { type JournalLine, ServiceError } from "@anneal/contracts";
import { type runs, type ServiceContext, storage } from "@anneal/services";

type KeptFiles = Parameters<typeof runs.execution.storeJournal>[3];
type Kept = NonNullable<KeptFiles> extends ReadonlyMap<number, infer T> ? T : never;

/** Repeats `work` while the store is out of reach: training goes on, and what waits is stored once it is back. */
export async function untilReached<T>(
  work: () => Promise<T>,
  options: { log: ServiceContext["log"]; what: string; signal?: AbortSignal },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === "UNAVAILABLE") || options.signal?.aborted) throw error;
      if (attempt === 0) options.log.warn({ error: error.message }, `${options.what}: the store is away; trying on`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 100 * 2 ** attempt)));
    }
  }
}

/** Puts the files that journal lines tell of into the store, before any row says that they exist. */
export async function keepFiles(
  ctx: Pick<ServiceContext, "files" | "log">,
  runFolder: string,
  lines: readonly JournalLine[],
  signal: AbortSignal,
): Promise<NonNullable<KeptFiles>> {
  const { store } = ctx.files;
  const kept = new Map<number, Kept>();
  for (const { number, body } of lines) {
    const options = { log: ctx.log, what: `${runFolder}: storing files`, signal };
    if (body.type === "checkpoint") {
      const { path: folder, digest } = body;
      kept.set(
        number,
        await untilReached(() => storage.checkpointFiles(store, runFolder, { folder, digest }), options),
      );
    } else if (body.type === "artifact") {
      const path = join(runFolder, body.path);
      await untilReached(() => store.put(path, { digest: body.digest, mend: true, signal }), options);
    }
  }
  return kept;
}
