import { z } from "zod";
import { capBody } from "./body.ts";
import { edge } from "./edge.ts";

const maxBodyBytes = 64 * 1024;
const Named = z.object({ email: z.string().max(320) });

function emailIn(body: string): string {
  try {
    const parsed = Named.safeParse(JSON.parse(body));
    return parsed.success ? parsed.data.email.toLowerCase() : "";
  } catch {
    return ""; // not JSON: the sign-in library refuses it with its own words
  }
}

export const handleAuth = edge(async (request, server) => {
  if (request.method !== "POST") return server.auth.handler(request);
  const capped = capBody(request, maxBodyBytes);
  if (!new URL(request.url).pathname.endsWith("/sign-in/email")) return server.auth.handler(capped);
  const body = await capped.text();
  const email = emailIn(body);
  server.limits.signInOverall.take("");
  server.limits.signIn.take(email);
  const response = await server.auth.handler(
    new Request(request.url, { method: "POST", headers: request.headers, body, signal: request.signal }),
  );
  if (response.ok) server.limits.signIn.clear(email);
  return response;
});
