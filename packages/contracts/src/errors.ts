import { z } from "zod";

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
  "UNAVAILABLE",
  "STALE_EPOCH",
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
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof Problem>;

export class ServiceError extends Error {
  readonly problem: Problem;
  constructor(
    code: ErrorCode,
    message: string,
    options: { field?: string; remedy?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ServiceError";
    this.problem = {
      code,
      field: options.field ?? null,
      message,
      remedy: options.remedy ?? null,
      ...(options.details ? { details: options.details } : {}),
    };
  }
  get code(): ErrorCode {
    return this.problem.code;
  }
}
