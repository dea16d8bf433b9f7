import {
  type ErrorCode,
  Phrases,
  ServiceError,
  say,
  type Words,
  withoutField,
  wordsOf,
  wordsOfError,
} from "@anneal/contracts";
import { z } from "zod";

const codes: Record<string, { code: ErrorCode; remedy: Words }> = {
  ENGINE_UNSUPPORTED: { code: "UNSUPPORTED", remedy: say`choose a model of a supported family and type` },
  ENGINE_FORMAT: { code: "INVALID_INPUT", remedy: say`the file is damaged or of another kind: download it again` },
  ENGINE_IO: { code: "NOT_FOUND", remedy: say`check that the file is there and may be read` },
  ENGINE_OOM: { code: "DOES_NOT_FIT", remedy: say`lower microBatchTokens or switch gradientCheckpointing on` },
  ENGINE_INVALID_ARGUMENT: { code: "INVALID_INPUT", remedy: say`correct the setting that the message names` },
  ENGINE_SHAPE: { code: "INVALID_INPUT", remedy: say`the file is damaged: download it again` },
  ENGINE_NOT_BUILT: { code: "UNAVAILABLE", remedy: say`run ./anneal setup to build the engine` },
};

/** The same refusal of the base, of another field than the one it was written for. */
export function atField(error: unknown, field: string): unknown {
  if (!(error instanceof ServiceError)) return error;
  const { problem } = error;
  const words = wordsOf(problem, "message");
  const bare = withoutField(words, "base");
  return new ServiceError(problem.code, bare === words ? words : say`${field}: ${bare}`, {
    field,
    remedy: wordsOf(problem, "remedy") ?? undefined,
    cause: error,
  });
}

const Remedied = z.object({ remedy: z.string(), phrases: Phrases.optional() });

/** What a port threw (engine, Ollama, tokenizer), as a refusal of the named field; ours pass through. */
export function foreignError(error: unknown, field: string): ServiceError {
  if (error instanceof ServiceError) return error;
  const message = wordsOfError(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const given = Remedied.safeParse(error);
  const remedy = given.success ? wordsOf(given.data, "remedy") : null;
  const known = codes[code];
  if (known)
    return new ServiceError(known.code, say`${field}: ${message}`, { field, remedy: known.remedy, cause: error });
  if (code.startsWith("OLLAMA_"))
    return new ServiceError("NOT_FOUND", say`${field}: ${message}`, {
      field,
      remedy: remedy ?? say`choose a model in the local Ollama`,
      cause: error,
    });
  if (error instanceof Error && error.name === "TextError")
    return new ServiceError("UNSUPPORTED", message, {
      field,
      remedy: remedy ?? say`choose another model`,
      cause: error,
    });
  return new ServiceError("INTERNAL", say`${field}: ${message}`, {
    field,
    remedy: say`look into Anneal's log`,
    cause: error,
  });
}
