import { ServiceError } from "@anneal/contracts";
import { EngineError, type EngineErrorCode } from "@anneal/engine";
import { TextError } from "@anneal/text";

export interface Failure {
  code: string;
  message: string;
  remedy: string | null;
  permanent: boolean;
}

// The same input meets the same refusal again: trying anew is pointless.
const permanentCodes: Partial<Record<EngineErrorCode, string>> = {
  ENGINE_INVALID_ARGUMENT: "correct the setting it names",
  ENGINE_SHAPE: "check that the base model's files belong together",
  ENGINE_FORMAT: "fetch the base model again, or choose another",
  ENGINE_UNSUPPORTED: "choose a base model of a supported family and type",
  ENGINE_NUMERIC: "lower the learning rate, or switch clipping on",
  ENGINE_OOM: "choose a smaller micro-batch, LoRA instead of full training, or a smaller base model",
  ENGINE_NOT_BUILT: "run ./anneal setup",
};

/** An error as the run's page shows it. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof EngineError) {
    const remedy = permanentCodes[error.code] ?? null;
    return { code: error.code, message: error.message, remedy, permanent: remedy !== null };
  }
  if (error instanceof ServiceError) {
    // A file that cannot be read now may be back in a moment; every other refusal meets the next attempt too.
    const permanent = error.code !== "UNAVAILABLE" && error.code !== "INTERNAL";
    return { code: error.code, message: error.message, remedy: error.problem.remedy, permanent };
  }
  if (error instanceof TextError) return { code: "TEXT", message: error.message, remedy: null, permanent: true };
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: "", message: String(error) };
  if (code === "ENOSPC")
    return { code, message: `the disk is full: ${message}`, remedy: "free some space, then resume", permanent: false };
  return { code: code ?? "INTERNAL", message, remedy: "see trainer.log in the run's folder", permanent: false };
}
