import type { IncomingMessage, ServerResponse } from "node:http";
import { type Problem, ServiceError, say } from "@anneal/contracts";
import { httpStatus } from "../errors.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "OPTIONS"];

export interface Refusal {
  problem: Problem;
  status: number;
  headers?: Record<string, string>;
}

function isWellEncoded(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** What no route can answer: a method nobody serves, an address that cannot be read. */
export function refusalOf({ method = "", url = "" }: Pick<IncomingMessage, "method" | "url">): Refusal | null {
  if (!methods.includes(method)) {
    const { problem } = new ServiceError("INVALID_INPUT", say`the method ${method} is not served`, {
      field: "method",
      remedy: say`use one of ${methods.join(", ")}`,
    });
    return { problem, status: 405, headers: { allow: methods.join(", ") } };
  }
  const path = url.split(/[?#]/, 1)[0] ?? "";
  if (path.startsWith("/") && isWellEncoded(path)) return null;
  const { problem } = new ServiceError("INVALID_INPUT", say`the address ${path.slice(0, 200)} cannot be read`, {
    field: "url",
    remedy: say`write it as a path whose % signs stand before two hex digits of UTF-8`,
  });
  return { problem, status: httpStatus(problem) };
}

export function refuse(response: ServerResponse, { problem, status, headers }: Refusal): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(JSON.stringify({ problem }));
}
