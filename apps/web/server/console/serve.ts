import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { peerHeader } from "../peer.ts";
import { type BodyLimits, drainAfterAnswer, limitBody } from "./body.ts";
import { refusalOf, refuse } from "./refusal.ts";

export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

// A caller's header is never believed: only the connection knows where it comes from.
function tellPeer(request: IncomingMessage): void {
  request.headers[peerHeader] = request.socket.remoteAddress ?? "unknown";
}

/** The console's HTTP server around Next's handler. */
export function createConsoleServer(handle: Handle, limits: BodyLimits): Server {
  const server = createServer(
    {
      requestTimeout: 0, // see limitBody
      headersTimeout: 60_000, // half-sent headers hold no connection longer
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      tellPeer(request);
      limitBody(request, response, limits);
      drainAfterAnswer(request, response);
      const refusal = refusalOf(request);
      if (refusal) return refuse(response, refusal);
      Promise.resolve(handle(request, response)).catch((error: unknown) => {
        console.error(error);
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
  );
  return server;
}

const answerSeconds = 1;

/** Takes no more requests, lets those that are being answered end, and cuts what stays open: streams end only with their page. */
export function closeConsoleServer(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), answerSeconds * 1000);
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
