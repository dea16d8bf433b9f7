import { ServiceError } from "@anneal/contracts";
import { databaseTrouble } from "@anneal/db";
import type { Log } from "@anneal/services";

/** Whether the database is away (and will be back), rather than refusing what was asked. */
export const isDatabaseAway = (error: unknown): boolean =>
  databaseTrouble(error, (one) => one instanceof ServiceError) !== null;

/** Repeats `work` for as long as the database is away. Other errors pass through. */
export async function untilStored<T>(
  work: () => Promise<T>,
  options: { log: Log; what: string; signal?: AbortSignal },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseAway(error) || options.signal?.aborted) throw error;
      if (attempt === 0) options.log.warn({ error: String(error) }, `${options.what}: the database is away; trying on`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 100 * 2 ** attempt)));
    }
  }
}
