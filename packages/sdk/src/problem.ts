import { Problem } from "@anneal/contracts";
import { z } from "zod";

const Carrier = z.object({ data: z.object({ problem: Problem }) });
const Own = z.object({ problem: Problem });
const Coded = z.object({ code: z.string() });
const unreachable = new Set(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "UND_ERR_SOCKET"]);

/** Whatever was thrown, as a Problem: what, where, why, and what to do. */
export function problemOf(error: unknown): Problem {
  for (let at: unknown = error, depth = 0; at && depth < 8; depth++) {
    const own = Own.safeParse(at);
    if (own.success) return own.data.problem;
    const carried = Carrier.safeParse(at);
    if (carried.success) return carried.data.data.problem;
    const coded = Coded.safeParse(at);
    if (coded.success && unreachable.has(coded.data.code))
      return {
        code: "UNAVAILABLE",
        field: null,
        message: `Anneal does not answer (${coded.data.code})`,
        remedy: "start it with ./anneal up, or set ANNEAL_URL to where it runs",
      };
    at = at instanceof Error ? at.cause : null;
  }
  return {
    code: "INTERNAL",
    field: null,
    message: error instanceof Error ? error.message : String(error),
    remedy: null,
  };
}
