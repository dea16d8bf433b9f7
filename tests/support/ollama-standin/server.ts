import http from "node:http";
import type { Socket } from "node:net";
import { checkOrigin, hostAllowed } from "./access.ts";
import type { FaultKind, Faults } from "./faults.ts";
import { ReplyError, textOf } from "./faulty.ts";
import { askForBody, ClientGone, type Exchange, sendEmpty, sendJson, sendText } from "./http.ts";
import { findRoute } from "./routes/routes.ts";
import type { Standin } from "./standin.ts";

export interface ServerHooks {
  faults: Faults;
  // Told of every request before it is worked on.
  onRequest?: (method: string, path: string) => void;
}

export function makeServer(standin: Standin, hooks: ServerHooks): http.Server {
  const server = http.createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    void handle(standin, hooks, request, response);
  });
  // The body is asked for when it is first read, so that a refusal costs no upload.
  server.on("checkContinue", (request: http.IncomingMessage, response: http.ServerResponse) => {
    void handle(standin, hooks, request, response);
  });
  // A body that broke off: who only closed its sending side still reads an error.
  server.on("clientError", (_error, socket: Socket) => {
    const body = '{"error":"unexpected EOF"}';
    if (socket.writable)
      socket.end(
        `HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    else socket.destroy();
  });
  return server;
}

async function handle(
  standin: Standin,
  hooks: ServerHooks,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const method = request.method ?? "GET";
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname);
  const left = new AbortController();
  response.once("close", () => left.abort());
  request.once("error", () => left.abort());
  const exchange: Exchange = { request, response, path, gone: left.signal, breakAfterLines: null };
  hooks.onRequest?.(method, path);
  try {
    const fault = hooks.faults.meet(method, path);
    if (fault && (await showFault(fault, exchange))) return;
    const origin = checkOrigin(request);
    if (!origin.allowed || !hostAllowed(request.headers.host)) return sendEmpty(response, 403);
    if (origin.echo) response.setHeader("access-control-allow-origin", origin.echo);
    if (method === "OPTIONS" && origin.echo) return void response.writeHead(204).end();
    const found = findRoute(method, path);
    if (Array.isArray(found)) {
      const tidy = path.replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
      if (found.length === 0 && tidy !== path && !Array.isArray(findRoute(method, tidy)))
        return redirect(exchange, tidy);
      if (found.length === 0) return sendText(response, 404, "text/plain", "404 page not found");
      return sendText(response, 405, "text/plain", "405 method not allowed", { allow: found.join(", ") });
    }
    await found.handler(standin, exchange, found.parameter);
  } catch (error) {
    answerError(exchange, error);
  }
}

// A path with a slash too many is sent to the one without; as a page to look at when it was only fetched.
function redirect({ request, response }: Exchange, location: string): void {
  const isGet = request.method === "GET";
  const text = isGet ? `<a href="${location}">Moved Permanently</a>.\n\n` : "";
  const type = isGet ? { "content-type": "text/html; charset=utf-8" } : {};
  response.writeHead(isGet ? 301 : 307, { location, "content-length": text.length, ...type }).end(text);
}

function answerError({ response, path }: Exchange, error: unknown): void {
  if (error instanceof ClientGone || response.headersSent || response.destroyed) {
    if (!response.writableEnded) response.destroy();
    return;
  }
  const status = error instanceof ReplyError ? error.status : 500;
  const message = textOf(error);
  if (!path.startsWith("/v1/")) {
    sendJson(response, status, { error: message });
    return;
  }
  const type = status === 404 ? "not_found_error" : status < 500 ? "invalid_request_error" : "api_error";
  sendJson(response, status, { error: { message, type, param: null, code: null } }, "application/json");
}

// Answers true when the request is done with.
async function showFault(fault: FaultKind, exchange: Exchange): Promise<boolean> {
  const { request, response } = exchange;
  switch (fault.kind) {
    case "status":
      request.resume();
      sendJson(response, fault.status, { error: "a fault that this stand-in was told to show" });
      return true;
    case "eof":
      request.resume();
      sendJson(response, 500, { error: "EOF" });
      return true;
    case "refuse":
      request.socket.destroy();
      return true;
    case "hang":
      request.resume();
      return true;
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
      return false;
    case "break":
      if (request.url?.startsWith("/api/blobs/")) {
        askForBody(exchange);
        request.once("data", () => request.socket.destroy());
        return true;
      }
      exchange.breakAfterLines = fault.afterLines;
      return false;
  }
}
