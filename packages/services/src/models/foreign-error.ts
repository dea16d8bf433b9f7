import { type ErrorCode, ServiceError } from "@anneal/contracts";

const codes: Record<string, { code: ErrorCode; remedy: string }> = {
  ENGINE_UNSUPPORTED: { code: "UNSUPPORTED", remedy: "choose a model of a supported family and type" },
  ENGINE_FORMAT: { code: "INVALID_INPUT", remedy: "the file is damaged or of another kind: download it again" },
  ENGINE_IO: { code: "NOT_FOUND", remedy: "check that the file is there and may be read" },
  ENGINE_OOM: { code: "DOES_NOT_FIT", remedy: "lower microBatchTokens or switch gradientCheckpointing on" },
  ENGINE_INVALID_ARGUMENT: { code: "INVALID_INPUT", remedy: "correct the setting that the message names" },
  ENGINE_SHAPE: { code: "INVALID_INPUT", remedy: "the file is damaged: download it again" },
  ENGINE_NOT_BUILT: { code: "UNAVAILABLE", remedy: "run ./anneal setup to build the engine" },
};

/** The same refusal of the base, of another field than the one it was written for. */
export function atField(error: unknown, field: string): unknown {
  if (!(error instanceof ServiceError)) return error;
  const { code, message, remedy } = error.problem;
  return new ServiceError(code, message.replace(/^base:/, `${field}:`), {
    field,
    remedy: remedy ?? undefined,
    cause: error,
  });
}

/** What a port threw (engine, Ollama, tokenizer), as a refusal of the named field; ours pass through. */
export function foreignError(error: unknown, field: string): ServiceError {
  if (error instanceof ServiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const remedy = error instanceof Error && "remedy" in error && typeof error.remedy === "string" ? error.remedy : null;
  const known = codes[code];
  if (known) return new ServiceError(known.code, `${field}: ${message}`, { field, remedy: known.remedy, cause: error });
  if (code.startsWith("OLLAMA_"))
    return new ServiceError("NOT_FOUND", `${field}: ${message}`, {
      field,
      remedy: remedy ?? "choose a model that lies in the local Ollama",
      cause: error,
    });
  if (error instanceof Error && error.name === "TextError")
    return new ServiceError("UNSUPPORTED", message, { field, remedy: remedy ?? "choose another model", cause: error });
  return new ServiceError("INTERNAL", `${field}: ${message}`, {
    field,
    remedy: "look into Anneal's log",
    cause: error,
  });
}
