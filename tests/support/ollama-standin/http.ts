import type http from "node:http";
import { ReplyError } from "./faulty.ts";
import { bindStruct, type FieldType } from "./go/go-bind.ts";
import { GoJsonError, type GoValue, goJson, type Json, parseGoJson } from "./go/go-json.ts";

export interface Exchange {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  path: string;
  gone: AbortSignal; // the client left
  // Cuts the answer off after so many lines, when a fault asks for it.
  breakAfterLines: number | null;
}

const jsonType = "application/json; charset=utf-8";

export function sendText(
  response: http.ServerResponse,
  status: number,
  type: string,
  text: string,
  headers = {},
): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), ...headers });
  response.end(text);
}

export function sendJson(response: http.ServerResponse, status: number, value: GoValue, type = jsonType): void {
  const text = goJson(value);
  // Go announces the length only of what fits its buffer.
  const length = Buffer.byteLength(text) <= 2048 ? { "content-length": Buffer.byteLength(text) } : {};
  response.writeHead(status, { "content-type": type, ...length });
  response.end(text);
}

export function sendEmpty(response: http.ServerResponse, status: number): void {
  response.writeHead(status, { "content-length": 0 });
  response.end();
}

// A client may hold its body back until it is asked for.
export function askForBody({ request, response }: Pick<Exchange, "request" | "response">): void {
  if (/100-continue/i.test(request.headers.expect ?? "")) response.writeContinue();
}

export async function readBody(exchange: Exchange): Promise<Buffer> {
  const { request } = exchange;
  askForBody(exchange);
  const parts: Buffer[] = [];
  for await (const piece of request) parts.push(piece);
  return Buffer.concat(parts);
}

// Reads a JSON request into the fields of a Go struct; every fault is a 400 in Go's words.
export async function readRequest(
  exchange: Exchange,
  name: string,
  fields: Record<string, FieldType>,
): Promise<Record<string, Json>> {
  try {
    return bindStruct(name, fields, parseGoJson((await readBody(exchange)).toString("utf8")));
  } catch (error) {
    if (!(error instanceof GoJsonError)) throw error;
    throw new ReplyError(400, error.empty ? "missing request body" : error.message);
  }
}

export class ClientGone extends Error {}

// Lines of JSON, one for every step. An error before the first line is an HTTP status, after it a last line under 200.
export class LineStream {
  private readonly exchange: Exchange;
  private readonly type: string;
  private lines = 0;

  constructor(exchange: Exchange, type = "application/x-ndjson") {
    this.exchange = exchange;
    this.type = type;
  }

  get started(): boolean {
    return this.lines > 0;
  }

  async send(value: GoValue): Promise<void> {
    const { response, gone, breakAfterLines } = this.exchange;
    if (gone.aborted) throw new ClientGone();
    if (!this.started) response.writeHead(200, { "content-type": this.type });
    this.lines += 1;
    if (!response.write(`${goJson(value)}\n`))
      await new Promise<void>((resolve) => {
        response.once("drain", resolve);
        gone.addEventListener("abort", () => resolve(), { once: true });
      });
    if (breakAfterLines !== null && this.lines >= breakAfterLines) {
      response.socket?.destroy();
      throw new ClientGone();
    }
  }

  async fail(status: number, message: string): Promise<void> {
    if (!this.started) return sendJson(this.exchange.response, status, { error: message }, "application/json");
    await this.send({ error: message });
    this.end();
  }

  end(): void {
    this.exchange.response.end();
  }
}

export const textField = (request: Record<string, Json>, key: string): string => {
  const value = request[key];
  return typeof value === "string" ? value : "";
};
export const mapField = (request: Record<string, Json>, key: string): Record<string, Json> | null => {
  const value = request[key];
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
};
