import { type Database, newId, schema } from "@anneal/db";
import type { Log } from "@anneal/services";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { betterAuth } from "better-auth/minimal";
import type { Env } from "./env.ts";

const daySeconds = 86_400;

/** Sign-in with e-mail and password (scrypt); sessions lie in Postgres. Nobody can sign up: see services' setup. */
export function createAuth(options: { db: Database; env: Env; secret: string; log: Log }) {
  const { db, env, secret, log } = options;
  const { user, session, account, verification } = schema;
  return betterAuth({
    appName: "Anneal",
    basePath: "/api/auth",
    baseURL: env.publicUrl ?? {
      allowedHosts: env.allowedHosts.flatMap((host) => [host, `${host}:*`]),
      protocol: "http",
    },
    secret,
    database: drizzleAdapter(db, { provider: "pg", schema: { user, session, account, verification } }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10, maxPasswordLength: 128 },
    session: { expiresIn: 30 * daySeconds, updateAge: daySeconds },
    rateLimit: {
      enabled: true,
      storage: "memory",
      window: 60,
      max: 300,
      customRules: { "/sign-in/*": false, "/change-password": false, "/verify-password": false }, // see rate-limit.ts
    },
    trustedOrigins: (request) => [request?.headers.get("origin") ?? ""].filter((origin) => origin !== ""), // guard.ts looked
    advanced: {
      cookiePrefix: "anneal",
      useSecureCookies: env.publicUrl?.startsWith("https:") ?? false,
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax" },
      database: { generateId: () => newId() },
    },
    telemetry: { enabled: false },
    logger: {
      level: "warn",
      log: (level, message, ...details) =>
        log[level === "error" ? "error" : "warn"]({ details: details.map(String) }, `sign-in: ${message}`),
    },
  });
}
export type Auth = ReturnType<typeof createAuth>;
