import type { Problem } from "@anneal/contracts";
import { httpStatus, retryAfterOf, rootText, toProblem } from "../errors.ts";
import { requireKnownHost, requireSameSite } from "../guard.ts";
import { type Server, server } from "../process.ts";

export type Handler = (request: Request, server: Server) => Promise<Response>;

// For everything that is data: it is no page, may not be framed, kept or guessed to be another type.
const dataHeaders: Record<string, string> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function secured(response: Response): Response {
  for (const [name, value] of Object.entries(dataHeaders))
    if (!response.headers.has(name)) response.headers.set(name, value);
  return response;
}

export function problemResponse(problem: Problem): Response {
  const response = secured(Response.json({ problem }, { status: httpStatus(problem) }));
  const wait = retryAfterOf(problem);
  if (wait) response.headers.set("retry-after", wait);
  return response;
}

/** Every HTTP route goes through here: names, origins, headers, and one shape of error. */
export function edge(handler: Handler): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const here = server();
      requireKnownHost(request.headers, here.env.allowedHosts);
      requireSameSite(request, here.env.publicUrl);
      return secured(await handler(request, here));
    } catch (error) {
      const problem = toProblem(error);
      if (problem.code === "INTERNAL") logFailure(error, request);
      return problemResponse(problem);
    }
  };
}

function logFailure(error: unknown, request: Request): void {
  const text = rootText(error);
  try {
    server().log.error({ error: text, path: new URL(request.url).pathname }, "a request failed");
  } catch {
    console.error(text); // the server itself could not start; its log is not there
  }
}
