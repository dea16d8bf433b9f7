import { randomBytes } from "node:crypto";
import { type NextRequest, NextResponse } from "next/server";
import { readEnv } from "./server/env.ts";
import { toProblem } from "./server/errors.ts";
import { requireKnownHost } from "./server/guard.ts";
import { pageHeaders } from "./server/page-headers.ts";

let settings: ReturnType<typeof readEnv> | undefined; // read once; opens no database

// Pages only: the name they are asked under, and the headers that keep foreign script out. Who may see data is decided
// where the data is (server/http, server/trpc.ts). Requests with bodies do not come by: they would be held in memory here.
export function proxy(request: NextRequest): NextResponse {
  settings ??= readEnv();
  try {
    requireKnownHost(request.headers, settings.allowedHosts);
  } catch (error) {
    const { message, remedy } = toProblem(error);
    return new NextResponse(`${message}\n${remedy ?? ""}\n`, {
      status: 403,
      headers: { "content-type": "text/plain" },
    });
  }
  const nonce = randomBytes(16).toString("base64");
  const headers = pageHeaders(nonce, settings.development);
  const forwarded = new Headers(request.headers);
  forwarded.set("x-nonce", nonce);
  forwarded.set("content-security-policy", headers["content-security-policy"] ?? ""); // Next takes its own nonce from here
  const response = NextResponse.next({ request: { headers: forwarded } });
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

export const config = { matcher: ["/((?!api/|_next/static|healthz|readyz|icon.svg).*)"] };
