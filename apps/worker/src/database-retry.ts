import { ServiceError } from "@anneal/contracts";
import type { Log } from "@anneal/services";

const networkCodes = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH"]);

/** Whether the database is away (and will be back), rather than refusing what was asked. */
export function isDatabaseAway(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof ServiceError) return false;
    const code = "code" in current && typeof current.code === "string" ? current.code : "";
    if (networkCodes.has(code)) return true;
    // Classes of SQLSTATE: 08 connection, 57P operator intervention, 53 resources, 40 serialisation, 25P03/4 idle too long.
    if (/^(08|57P|53|40|25P0[34])/.test(code)) return true;
    if (
      /connection terminated|timeout exceeded when trying to connect|connection timeout|server closed|not queryable/i.test(
        current.message,
      )
    )
      return true;
  }
  return false;
}

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
