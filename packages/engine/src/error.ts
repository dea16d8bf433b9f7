import { type EngineCause, inWords, type Phrase, say } from "@anneal/contracts";

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

type EngineArgs = EngineCause["args"];

/**
 * What the engine refuses: the code says of which kind it is, the reason which one, `where` the operation, file or field it is about.
 * The sentence is made from the reason and its arguments (contracts/engine-reasons).
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  readonly reason: string;
  readonly where: string;
  readonly args: EngineArgs;
  readonly phrases: { message: Phrase };

  constructor(code: EngineErrorCode, reason: string, where: string, args: EngineArgs = {}, options?: ErrorOptions) {
    const message = say`${where}: ${{ reason, args }}`;
    super(inWords(message), options);
    this.code = code;
    this.reason = reason;
    this.where = where;
    this.args = args;
    this.phrases = { message };
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

/** An Error of the addon, as binding/results.cc makes it. */
interface NativeError extends Error {
  code: EngineErrorCode;
  reason: string;
  where: string;
  args: EngineArgs;
}

const isNative = (thrown: unknown): thrown is NativeError =>
  thrown instanceof Error &&
  "code" in thrown &&
  typeof thrown.code === "string" &&
  CODES.has(thrown.code) &&
  "reason" in thrown &&
  "where" in thrown &&
  "args" in thrown;

/** Turns what the addon threw into an EngineError; anything else passes through. */
export function toEngineError(thrown: unknown): unknown {
  if (thrown instanceof EngineError || !isNative(thrown)) return thrown;
  return new EngineError(thrown.code, thrown.reason, thrown.where, thrown.args, { cause: thrown });
}
