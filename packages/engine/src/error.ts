/** Stable codes of the native engine; `ENGINE_NOT_BUILT` is ours: the addon file is missing. */
export type EngineErrorCode =
  | "ENGINE_INVALID_ARGUMENT"
  | "ENGINE_SHAPE"
  | "ENGINE_OOM"
  | "ENGINE_FORMAT"
  | "ENGINE_UNSUPPORTED"
  | "ENGINE_IO"
  | "ENGINE_NUMERIC"
  | "ENGINE_STOPPED"
  | "ENGINE_NOT_COMPILED"
  | "ENGINE_INTERNAL"
  | "ENGINE_NOT_BUILT";

/** What the engine refuses, with a code to switch on. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const CODES: ReadonlySet<string> = new Set<EngineErrorCode>([
  "ENGINE_INVALID_ARGUMENT",
  "ENGINE_SHAPE",
  "ENGINE_OOM",
  "ENGINE_FORMAT",
  "ENGINE_UNSUPPORTED",
  "ENGINE_IO",
  "ENGINE_NUMERIC",
  "ENGINE_STOPPED",
  "ENGINE_NOT_COMPILED",
  "ENGINE_INTERNAL",
]);

function isEngineErrorCode(code: unknown): code is EngineErrorCode {
  return typeof code === "string" && CODES.has(code);
}

/** Turns what the addon threw (an Error with a `code`) into an EngineError; anything else passes through. */
export function toEngineError(thrown: unknown): unknown {
  if (thrown instanceof Error && "code" in thrown && isEngineErrorCode(thrown.code)) {
    return new EngineError(thrown.code, thrown.message, { cause: thrown });
  }
  return thrown;
}
