import { type Problem, ServiceError, say, told, wordsOf, wordsOfError } from "@anneal/contracts";
import { isOllamaError } from "@anneal/ollama";

/** Any error as the Problem that a row keeps and a page shows. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ServiceError) return error.problem;
  if (isOllamaError(error))
    return {
      code: error.transient ? "UNAVAILABLE" : "PRECONDITION_FAILED",
      field: null,
      ...told({ message: wordsOfError(error), remedy: wordsOf(error, "remedy") }),
      details: { code: error.code, ...(error.detail ? { detail: error.detail } : {}), ...error.data },
    };
  const remedy = say`it is tried again by itself; if it keeps failing, see the worker's log`;
  return { code: "INTERNAL", field: null, ...told({ message: wordsOfError(error), remedy }) };
}
