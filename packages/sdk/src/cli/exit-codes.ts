import type { ErrorCode } from "@anneal/contracts";

// Stable: scripts may rely on them. `anneal --help` prints this table.
export const exitCodes = {
  ok: 0,
  unexpected: 1, // an error nobody foresaw, here or on the server
  invalidInput: 2, // a flag, a file or a value is wrong
  notAllowed: 3, // not signed in, or the token lacks a permission
  notFound: 4,
  conflict: 5, // the state of things does not allow it now
  refused: 6, // does not fit, nothing to train, or not supported
  unavailable: 7, // Anneal or its database does not answer; trying again may help
  runFailed: 8,
  runStopped: 9, // cancelled or paused
  checkFailed: 10, // doctor found something missing
  detached: 130, // Ctrl-C; the run goes on
} as const;

const ofCode: Record<ErrorCode, number> = {
  INVALID_INPUT: exitCodes.invalidInput,
  UNAUTHENTICATED: exitCodes.notAllowed,
  FORBIDDEN: exitCodes.notAllowed,
  NOT_FOUND: exitCodes.notFound,
  TOO_LARGE: exitCodes.invalidInput,
  CONFLICT: exitCodes.conflict,
  PRECONDITION_FAILED: exitCodes.conflict,
  STALE_ATTEMPT: exitCodes.conflict,
  DOES_NOT_FIT: exitCodes.refused,
  NOTHING_TO_TRAIN: exitCodes.refused,
  UNSUPPORTED: exitCodes.refused,
  RATE_LIMITED: exitCodes.unavailable,
  NO_SPACE: exitCodes.unavailable,
  UNAVAILABLE: exitCodes.unavailable,
  INTERNAL: exitCodes.unexpected,
};
export const exitCodeOf = (code: ErrorCode): number => ofCode[code];

export const exitCodeHelp = `
Exit codes:
  0    done                          6    refused: does not fit, nothing to train, unsupported
  1    unexpected error              7    Anneal does not answer (try again later)
  2    wrong flag, file or value     8    the watched run failed
  3    not signed in, not permitted  9    the watched run was cancelled or paused
  4    no such thing                 10   doctor found something missing
  5    not possible in this state    130  Ctrl-C: detached, the run continues`;
