import http from "node:http";
import https from "node:https";
import { type Phrase, say, type Words } from "@anneal/contracts";
import { httpError, OllamaError, unreachable } from "./error.ts";

export interface TransportOptions {
  base: URL;
  connectTimeoutSeconds: number;
  headers?: Record<string, string>;
}

export interface SendOptions {
  method: "GET" | "HEAD" | "POST" | "DELETE";
  path: string;
  json?: unknown;
  // Silence allowed before the first byte of the answer and between two pieces of it.
  idleTimeoutSeconds: number;
  signal?: AbortSignal | undefined;
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: AsyncIterable<Buffer>;
}

const maxBodyBytes = 256 * 1024 * 1024; // a verbose show of a big vocabulary is some 20 MB

export function aborted(signal: AbortSignal): OllamaError {
  return new OllamaError("OLLAMA_ABORTED", say`the request to Ollama was cancelled`, { cause: signal.reason });
}

// node:http in place of fetch: fetch pools connections (a restarted server shows as a broken one) and gives up after
// 300 s without headers, which a big create or a cold load can take.
export async function send(options: TransportOptions, request: SendOptions): Promise<Reply> {
  const { base } = options;
  const { signal } = request;
  if (signal?.aborted) throw aborted(signal);
  const payload = request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json));
  const url = new URL(request.path.replace(/^\//, ""), base);
  const label = `${request.method} ${request.path}`;
  const outgoing = (base.protocol === "https:" ? https : http).request(url, {
    method: request.method,
    agent: false,
    headers: {
      ...options.headers,
      accept: "application/json, application/x-ndjson",
      connection: "close",
      ...(payload ? { "content-type": "application/json", "content-length": String(payload.length) } : {}),
    },
  });
  const timeout = (message: Phrase, seconds: number) =>
    new OllamaError("OLLAMA_TIMEOUT", say`${label}: ${message} within ${seconds} s`, {
      remedy: say`look whether Ollama is overloaded, or allow more time`,
    });
  let answer: http.IncomingMessage | undefined;
  const incoming = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const connectTimer = setTimeout(
      () => outgoing.destroy(timeout(say`no connection`, options.connectTimeoutSeconds)),
      options.connectTimeoutSeconds * 1000,
    );
    const onAbort = () => outgoing.destroy(signal ? aborted(signal) : undefined);
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = () => {
      clearTimeout(connectTimer);
      signal?.removeEventListener("abort", onAbort);
    };
    outgoing.on("socket", (socket) => {
      const connected = base.protocol === "https:" ? "secureConnect" : "connect";
      if (!socket.connecting) clearTimeout(connectTimer);
      else socket.once(connected, () => clearTimeout(connectTimer));
    });
    outgoing.setTimeout(request.idleTimeoutSeconds * 1000, () =>
      (answer ?? outgoing).destroy(timeout(say`no answer`, request.idleTimeoutSeconds)),
    );
    outgoing.once("response", (message) => {
      answer = message;
      settle();
      resolve(message);
    });
    outgoing.on("error", (error) => {
      settle();
      reject(error instanceof OllamaError ? error : unreachable(base.host, error));
    });
    outgoing.end(payload);
  });
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: pieces(incoming, base.host, signal),
  };
}

async function* pieces(incoming: http.IncomingMessage, host: string, signal?: AbortSignal): AsyncIterable<Buffer> {
  const onAbort = () => incoming.destroy(signal ? aborted(signal) : undefined);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const piece of incoming) yield Buffer.from(piece);
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    throw error instanceof OllamaError ? error : unreachable(host, error);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    incoming.destroy();
  }
}

export async function readAll(reply: Reply): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const piece of reply.body) {
    size += piece.length;
    if (size > maxBodyBytes)
      throw new OllamaError("OLLAMA_PROTOCOL", say`Ollama's answer is longer than ${maxBodyBytes} bytes`);
    parts.push(piece);
  }
  return Buffer.concat(parts);
}

// The text of Ollama's `{"error": "text"}` (or OpenAI-shaped) body; a plain text is taken as it is.
export function errorText(body: Buffer): string {
  const text = body.toString("utf8").trim();
  if (!text.startsWith("{")) return text.slice(0, 2000);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "error" in value) {
      const { error } = value;
      if (typeof error === "string") return error;
      if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
    }
  } catch (error) {
    return `${text.slice(0, 500)} (${error instanceof Error ? error.message : "not JSON"})`;
  }
  return text.slice(0, 2000);
}

export async function expectOk(reply: Reply, what: Words): Promise<Reply> {
  if (reply.status >= 200 && reply.status < 300) return reply;
  throw httpError(what, reply.status, errorText(await readAll(reply)));
}
