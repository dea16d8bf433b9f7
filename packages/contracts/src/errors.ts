import { z } from "zod";
import { Phrases, told, type Words, wordsOf } from "./phrase/phrase.ts";

// Every refusal that a service, the worker or the trainer can give. Surfaces map these in one place each.
export const ErrorCode = z.enum([
  "INVALID_INPUT",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "NOT_FOUND",
  "CONFLICT",
  "TOO_LARGE", // a body over its cap
  "PRECONDITION_FAILED",
  "DOES_NOT_FIT",
  "NOTHING_TO_TRAIN",
  "UNSUPPORTED",
  "RATE_LIMITED",
  "NO_SPACE", // a disk is full, or nearly so
  "UNAVAILABLE",
  "STALE_ATTEMPT",
  "INTERNAL",
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

export const Problem = z.object({
  code: ErrorCode,
  // Where: a field path such as `method.rank`, a line such as `line 17`, or null.
  field: z.string().nullable(),
  // What is wrong, with the value that was seen.
  message: z.string(),
  // One thing to do about it.
  remedy: z.string().nullable(),
  phrases: Phrases.optional(), // of message and remedy
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof Problem>;

export class ServiceError extends Error {
  readonly problem: Problem;
  constructor(
    code: ErrorCode,
    message: Words,
    options: { field?: string; remedy?: Words; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    const texts = told({ message, remedy: options.remedy ?? null });
    super(texts.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ServiceError";
    this.problem = {
      code,
      field: options.field ?? null,
      ...texts,
      ...(options.details ? { details: options.details } : {}),
    };
  }
  /** The refusal that a problem tells of, with other details or the cause where they are given. */
  static of(problem: Problem, options: { details?: Record<string, unknown>; cause?: unknown } = {}): ServiceError {
    return new ServiceError(problem.code, wordsOf(problem, "message"), {
      field: problem.field ?? undefined,
      remedy: wordsOf(problem, "remedy") ?? undefined,
      details: options.details ?? problem.details,
      cause: options.cause,
    });
  }
  get code(): ErrorCode {
    return this.problem.code;
  }
}
