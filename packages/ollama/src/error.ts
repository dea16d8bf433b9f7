import { type Phrases, say, told, type Words } from "@anneal/contracts";
export const ollamaErrorCodes = [
  "OLLAMA_UNREACHABLE", // no connection, or it broke off
  "OLLAMA_TIMEOUT", // connected, but silent for too long
  "OLLAMA_ABORTED", // the caller's AbortSignal
  "OLLAMA_REFUSED", // an HTTP 4xx other than 404
  "OLLAMA_NOT_FOUND", // an HTTP 404
  "OLLAMA_SERVER_ERROR", // an HTTP 5xx
  "OLLAMA_BUSY", // an HTTP 503
  "OLLAMA_PROTOCOL", // an answer that the protocol does not allow
  "OLLAMA_CREATE_FAILED", // an error line of /api/create, or its HTTP error
  "OLLAMA_LOAD_FAILED", // created, but the model cannot be loaded or does not answer
  "OLLAMA_RENDER_MISMATCH", // served with another prompt than the one it was trained on
  "OLLAMA_TOKEN_MISMATCH", // same prompt text, other number of tokens
  "OLLAMA_NAME_INVALID",
  "OLLAMA_FILE", // the local GGUF: missing, changed while being read ...
  "OLLAMA_STORE", // the local model store: broken manifest, hostile digest ...
] as const;
export type OllamaErrorCode = (typeof ollamaErrorCodes)[number];

export interface OllamaErrorOptions {
  status?: number;
  remedy?: Words;
  // The server's own words.
  detail?: string;
  cause?: unknown;
  data?: Record<string, unknown>;
}

// Every fault of this package. `message` names what went wrong, `remedy` one thing to do about it.
export class OllamaError extends Error {
  readonly code: OllamaErrorCode;
  readonly status: number | undefined;
  readonly remedy: string | null;
  readonly detail: string | null;
  readonly data: Record<string, unknown> | undefined;
  readonly phrases: Phrases | undefined; // of message and remedy

  constructor(code: OllamaErrorCode, message: Words, options: OllamaErrorOptions = {}) {
    const texts = told({ message, remedy: options.remedy ?? null });
    super(texts.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OllamaError";
    this.code = code;
    this.status = options.status;
    this.remedy = texts.remedy;
    this.phrases = texts.phrases;
    this.detail = options.detail ?? null;
    this.data = options.data;
  }

  // Worth trying again later without changing anything.
  get transient(): boolean {
    return ["OLLAMA_UNREACHABLE", "OLLAMA_TIMEOUT", "OLLAMA_BUSY"].includes(this.code);
  }
}

export const isOllamaError = (error: unknown, code?: OllamaErrorCode): error is OllamaError =>
  error instanceof OllamaError && (code === undefined || error.code === code);

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const systemCode = (error: unknown): string | undefined => {
  for (let e: unknown = error; e instanceof Error; e = e.cause)
    if ("code" in e && typeof e.code === "string") return e.code;
  return undefined;
};

export function unreachable(host: string, error: unknown): OllamaError {
  const code = systemCode(error);
  const why =
    code === "ECONNREFUSED"
      ? say`nothing listens there`
      : code === "ENOTFOUND" || code === "EAI_AGAIN"
        ? say`the host name is not known`
        : code === "ECONNRESET" || code === "EPIPE"
          ? say`the connection broke off`
          : text(error);
  return new OllamaError("OLLAMA_UNREACHABLE", say`Ollama at ${host} cannot be reached: ${why}`, {
    remedy: say`start it with \`ollama serve\`, or set OLLAMA_HOST to where it runs`,
    cause: error,
    detail: text(error),
  });
}

// A server writes the manifest of a model in place: a request that needs it meanwhile finds it empty or cut short.
export const isHalfWritten = (error: unknown): boolean =>
  isOllamaError(error, "OLLAMA_SERVER_ERROR") && /^(unexpected )?EOF$/.test(error.detail ?? "");

// Maps an HTTP status and Ollama's `{"error": ...}` text to one of our codes.
export function httpError(what: Words, status: number, detail: string): OllamaError {
  const said = detail === "" ? `HTTP ${status}` : `${detail} (HTTP ${status})`;
  if (status === 404) return new OllamaError("OLLAMA_NOT_FOUND", say`${what}: ${said}`, { status, detail });
  if (status === 503)
    return new OllamaError("OLLAMA_BUSY", say`${what}: the server has too many requests waiting`, {
      status,
      detail,
      remedy: say`try again when other models have been loaded, or raise OLLAMA_MAX_QUEUE`,
    });
  if (status === 403 && detail === "")
    return new OllamaError("OLLAMA_REFUSED", say`${what}: the server refuses this Host or Origin (HTTP 403)`, {
      status,
      detail,
      remedy: say`address it by its local name, or let it listen on a public address (OLLAMA_HOST) and set OLLAMA_ORIGINS`,
    });
  if (status >= 500) {
    const load = /error loading model|llama-server process|unable to load model|does not support|template/i.test(
      detail,
    );
    return new OllamaError(load ? "OLLAMA_LOAD_FAILED" : "OLLAMA_SERVER_ERROR", say`${what}: ${said}`, {
      status,
      detail,
      remedy: say`look into Ollama's log for the cause`,
    });
  }
  return new OllamaError("OLLAMA_REFUSED", say`${what}: ${said}`, { status, detail });
}
