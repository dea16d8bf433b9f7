import { Problem } from "@anneal/contracts";
import { z } from "zod";

const carrier = z.object({ data: z.object({ problem: Problem }) });
const answer = z.object({ problem: Problem });

// Whatever was thrown, as the one shape the console can show: what, where, why, and what to do.
export function problemOf(error: unknown): Problem {
  const direct = Problem.safeParse(error);
  if (direct.success) return direct.data;
  const carried = carrier.safeParse(error);
  if (carried.success) return carried.data.data.problem;
  const body = answer.safeParse(error);
  if (body.success) return body.data.problem;
  const message = error instanceof Error ? error.message : String(error);
  // fetch and tRPC say it each their own way when no answer came at all.
  const unreachable = /failed to fetch|fetch failed|networkerror|load failed|network request failed/i.test(message);
  return {
    code: unreachable ? "UNAVAILABLE" : "INTERNAL",
    field: null,
    message,
    remedy: null,
    details: { unreachable },
  };
}

const databaseTroubles = ["away", "busy", "full"] as const;

/** What keeps the database from answering, where that is the cause of an error. */
export function databaseTroubleOf(error: unknown): (typeof databaseTroubles)[number] | null {
  if (error === null || error === undefined) return null;
  const told = problemOf(error).details?.database;
  return databaseTroubles.find((trouble) => trouble === told) ?? null;
}

export const isUnauthenticated = (error: unknown) => problemOf(error).code === "UNAUTHENTICATED";

// Asking again helps only where the cause may go away by itself.
export const mayRetry = (error: unknown) => ["UNAVAILABLE", "INTERNAL"].includes(problemOf(error).code);
