import { type ErrorCode, Problem, say, told } from "@anneal/contracts";
import { type DatabaseTrouble, databaseTrouble } from "@anneal/db";
import { TRPCError } from "@trpc/server";
import { z } from "zod";

// The one place where a refusal of a service becomes an answer of tRPC or HTTP.
type TrpcCode = TRPCError["code"];
const codes: Record<ErrorCode, { trpc: TrpcCode; status: number }> = {
  INVALID_INPUT: { trpc: "BAD_REQUEST", status: 400 },
  UNAUTHENTICATED: { trpc: "UNAUTHORIZED", status: 401 },
  FORBIDDEN: { trpc: "FORBIDDEN", status: 403 },
  NOT_FOUND: { trpc: "NOT_FOUND", status: 404 },
  CONFLICT: { trpc: "CONFLICT", status: 409 },
  TOO_LARGE: { trpc: "PAYLOAD_TOO_LARGE", status: 413 },
  PRECONDITION_FAILED: { trpc: "PRECONDITION_FAILED", status: 412 },
  DOES_NOT_FIT: { trpc: "UNPROCESSABLE_CONTENT", status: 422 },
  NOTHING_TO_TRAIN: { trpc: "UNPROCESSABLE_CONTENT", status: 422 },
  UNSUPPORTED: { trpc: "UNPROCESSABLE_CONTENT", status: 422 },
  RATE_LIMITED: { trpc: "TOO_MANY_REQUESTS", status: 429 },
  NO_SPACE: { trpc: "SERVICE_UNAVAILABLE", status: 507 },
  UNAVAILABLE: { trpc: "SERVICE_UNAVAILABLE", status: 503 },
  STALE_ATTEMPT: { trpc: "CONFLICT", status: 409 },
  INTERNAL: { trpc: "INTERNAL_SERVER_ERROR", status: 500 },
};

// By shape, not by class: a bundler may hold a class twice.
const Carrier = z.object({ problem: Problem });

class ProblemCause extends Error {
  readonly problem: Problem;
  constructor(problem: Problem, cause: unknown) {
    super(problem.message, { cause });
    this.name = "ProblemCause";
    this.problem = problem;
  }
}

function ofTrpc(error: TRPCError): Problem {
  const base = { field: null, message: error.message };
  switch (error.code) {
    case "NOT_FOUND":
      return {
        ...base,
        code: "NOT_FOUND",
        ...told({ remedy: say`check the procedure's name and that client and server are of one version` }),
      };
    case "PARSE_ERROR":
    case "BAD_REQUEST":
    case "UNSUPPORTED_MEDIA_TYPE":
    case "METHOD_NOT_SUPPORTED":
      return { ...base, code: "INVALID_INPUT", ...told({ remedy: say`send the request as the typed client does` }) };
    case "PAYLOAD_TOO_LARGE":
      return { ...base, code: "TOO_LARGE", ...told({ remedy: say`send less at once` }) };
    default:
      return internal;
  }
}

// What went wrong inside is for the log; the caller gets no paths, queries or stacks.
const internal: Problem = {
  code: "INTERNAL",
  field: null,
  ...told({
    message: say`something went wrong on the server`,
    remedy: say`look into Anneal's log for the cause, then try again`,
  }),
};

const retryAfterSeconds = 5;
const databaseWords = {
  away: { message: say`the database does not answer`, remedy: say`wait a moment; if it stays, run ./anneal doctor` },
  busy: {
    message: say`the database did not answer in time`,
    remedy: say`wait a moment and try again; if it stays, look what else loads the machine`,
  },
  full: {
    message: say`the database's disk is full`,
    remedy: say`free some space on it, then try again`,
  },
};
const ofDatabase = (trouble: DatabaseTrouble): Problem => ({
  code: "UNAVAILABLE",
  field: null,
  ...told(databaseWords[trouble]),
  details: { database: trouble, retryAfterSeconds },
});

const fullDisk = new Set(["ENOSPC", "EDQUOT"]);
const Coded = z.object({ code: z.string() });
const noSpace: Problem = {
  code: "NO_SPACE",
  field: null,
  ...told({
    message: say`the disk is full`,
    remedy: say`free some space on the disk of ANNEAL_HOME, then try again`,
  }),
};

/** Whatever was thrown, as a Problem. Unknown errors become INTERNAL without their text. */
export function toProblem(error: unknown): Problem {
  for (let at: unknown = error, depth = 0; at && depth < 8; depth++) {
    const direct = Problem.safeParse(at);
    if (direct.success && !(at instanceof TRPCError)) return direct.data;
    const carried = Carrier.safeParse(at);
    if (carried.success) return carried.data.problem;
    const coded = Coded.safeParse(at);
    if (coded.success && fullDisk.has(coded.data.code)) return noSpace;
    at = at instanceof Error ? at.cause : null;
  }
  const trouble = databaseTrouble(error);
  if (trouble) return ofDatabase(trouble);
  return error instanceof TRPCError ? ofTrpc(error) : internal;
}

/** What was first thrown, with its stack: for the log. */
export function rootText(error: unknown): string {
  let root = error;
  for (let depth = 0; depth < 8 && root instanceof Error && root.cause instanceof Error; depth++) root = root.cause;
  return root instanceof Error ? (root.stack ?? root.message) : String(root);
}

/** How long to wait before the next try, where a problem says it. */
export function retryAfterOf({ details }: Problem): string | null {
  const wait = details?.retryAfterSeconds;
  return typeof wait === "number" ? String(wait) : null;
}

export const httpStatus = (problem: Problem): number => codes[problem.code].status;

/** The error as tRPC's, with the Problem in `cause.problem`. */
export function toTrpcError(error: unknown): TRPCError & { cause: ProblemCause } {
  const problem = toProblem(error);
  const cause = new ProblemCause(problem, error);
  return Object.assign(new TRPCError({ code: codes[problem.code].trpc, message: problem.message, cause }), { cause });
}
