import { Problem } from "@anneal/contracts";
import { z } from "zod";

const Carrier = z.object({ data: z.object({ problem: Problem }) });
const Own = z.object({ problem: Problem });
const Coded = z.object({ code: z.string() });
const unreachable = new Set(["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "UND_ERR_SOCKET"]);

const silent = (why: string): Problem => ({
  code: "UNAVAILABLE",
  field: null,
  message: `Anneal does not answer (${why})`,
  remedy: "start it with ./anneal up, or set ANNEAL_URL to where it runs",
});

/** Whatever was thrown, as a Problem: what, where, why, and what to do. */
export function problemOf(error: unknown): Problem {
  for (let at: unknown = error, depth = 0; at && depth < 8; depth++) {
    const own = Own.safeParse(at);
    if (own.success) return own.data.problem;
    const carried = Carrier.safeParse(at);
    if (carried.success) return carried.data.data.problem;
    const coded = Coded.safeParse(at);
    if (coded.success && unreachable.has(coded.data.code)) return silent(coded.data.code);
    if (at instanceof TypeError && at.message === "fetch failed" && !(at.cause instanceof Error && "code" in at.cause))
      return silent(at.cause instanceof Error ? at.cause.message : at.message);
    at = at instanceof Error ? at.cause : null;
  }
  return {
    code: "INTERNAL",
    field: null,
    message: error instanceof Error ? error.message : String(error),
    remedy: null,
  };
}
