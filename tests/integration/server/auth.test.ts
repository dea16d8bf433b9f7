import { api, type Permission } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appRouter } from "../../../apps/web/server/router.ts";
import { administrator, bearer, call, cookieOf, openSite, type Site, signInFirst } from "./support.ts";

let site: Site;
let cookie: string;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

// Every procedure there is, from the router itself: one that is added later is tested without anybody thinking of it.
type Procedure = { path: string; kind: "query" | "mutation" | "subscription"; permission: Permission };
const declared = Object.entries(api).flatMap(([group, members]) =>
  Object.entries(members).map(
    ([name, { kind, permission }]): Procedure => ({ path: `${group}.${name}`, kind, permission }),
  ),
);
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(site.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", origin: site.url, ...headers },
    body: JSON.stringify(body),
  });
const signIn = (email: string, password: string) => post("/api/auth/sign-in/email", { email, password });

test("the router has exactly the procedures of the contract, each with its permission", () => {
  const procedures = appRouter._def.procedures as unknown as Record<
    string,
    { _def: { meta?: { permission?: string } } }
  >;
  const routed = Object.entries(procedures).map(([path, { _def }]) => `${path} ${_def.meta?.permission}`);
  expect(routed.sort()).toEqual(declared.map(({ path, permission }) => `${path} ${permission}`).sort());
});

describe("without a session or token", () => {
  test.each(declared.filter(({ permission }) => permission !== "public"))(
    "$path answers 401",
    async ({ path, kind }) => {
      const { status, code } = await call(site, path, { kind });
      expect([status, code]).toEqual([401, "UNAUTHENTICATED"]);
    },
  );
  test.each(["/api/artifacts/0191d2a0-0000-7000-8000-000000000000", "/api/uploads?name=x.jsonl"])(
    "%s answers 401",
    async (path) => {
      const method = path.includes("uploads") ? "PUT" : "GET";
      const response = await fetch(site.url + path, { method, body: method === "PUT" ? "{}" : undefined });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ problem: { code: "UNAUTHENTICATED" } });
    },
  );
  test("health needs none", async () => {
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${site.url}/readyz`)).status).toBe(200);
  });
});

describe("API tokens", () => {
  // What every account may read, every token may.
  const held = declared.filter(({ permission }) => permission !== "account:read");
  test.each(held)("$path refuses a token that has every other permission", async ({ path, kind, permission }) => {
    const holding: string[] = permission === "project:admin" ? [permission, "system:admin"] : [permission]; // the latter implies it
    const others = [...new Set(declared.map((one) => one.permission))].filter((one) => !holding.includes(one));
    const { status, code } = await call(site, path, { kind, headers: bearer(await site.newToken(...others)) });
    expect([status, code]).toEqual([403, "FORBIDDEN"]);
  });
  test("with the permission the same call goes through (negative control)", async () => {
    const headers = bearer(await site.newToken("runs:read"));
    expect((await call(site, "runs.list", { headers })).status).toBe(200);
  });
  test.each(["anl_", `anl_${"A".repeat(43)}`, "x".repeat(5000), "'; drop table runs; --"])(
    "%s opens nothing",
    async (token) => {
      const { status, code } = await call(site, "runs.list", { headers: bearer(token) });
      expect([status, code]).toEqual([401, "UNAUTHENTICATED"]);
    },
  );
  test("only a keyed hash lies in the database", async () => {
    const token = await site.newToken("runs:read");
    const rows = await site.lab.ctx.db.select().from(schema.apiTokens);
    expect(JSON.stringify(rows)).not.toContain(token.slice(12));
    expect(rows.find(({ prefix }) => token.startsWith(prefix))?.hash).toMatch(/^[0-9a-f]{64}$/);
  });
  test("revoked and expired ones end at once", async () => {
    const admin = bearer(site.localToken);
    const made = await call(site, "system.createToken", {
      kind: "mutation",
      input: { name: "short", permissions: ["runs:read"], expiresInDays: 1 },
      headers: admin,
    });
    const { token, summary } = (made.body as { result: { data: { token: string; summary: { id: string } } } }).result
      .data;
    expect((await call(site, "runs.list", { headers: bearer(token) })).status).toBe(200);
    await call(site, "system.revokeToken", { kind: "mutation", input: { tokenId: summary.id }, headers: admin });
    expect((await call(site, "runs.list", { headers: bearer(token) })).status).toBe(401);
    const late = await site.newToken("runs:read");
    const { apiTokens } = schema;
    await site.lab.ctx.db
      .update(apiTokens)
      .set({ expiresAt: new Date(Date.now() - 1000) })
      .where(eq(apiTokens.prefix, late.slice(0, 12)));
    expect((await call(site, "runs.list", { headers: bearer(late) })).status).toBe(401);
  });
  test("nobody hands out more than is theirs", async () => {
    const { status, code } = await call(site, "system.createToken", {
      kind: "mutation",
      input: { name: "more", permissions: ["runs:write"] },
      headers: bearer(await site.newToken("system:admin")),
    });
    expect([status, code]).toEqual([403, "FORBIDDEN"]);
  });
});

describe("the first administrator", () => {
  test("comes in by a one-time token, once, also when two try at once", async () => {
    expect(await (await fetch(`${site.url}/api/setup`)).json()).toEqual({ needed: true });
    expect((await post("/api/setup", { token: "guess", ...administrator })).status).toBe(403);
    const token = await site.setupToken();
    expect((await post("/api/setup", { token, ...administrator, password: "short" })).status).toBe(400);
    const both = await Promise.all([1, 2].map(() => post("/api/setup", { token, ...administrator })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 403]);
    expect((await post("/api/setup", { token, ...administrator, email: "eve@example.com" })).status).toBe(403);
    expect(await (await fetch(`${site.url}/api/setup`)).json()).toEqual({ needed: false });
    cookie = cookieOf(both.find(({ ok }) => ok) ?? Response.error());
    expect((await call(site, "system.tokens", { headers: { cookie } })).status).toBe(200);
    await expect(signInFirst(site)).rejects.toThrow("administrator already");
  });
  test("nobody can sign up", async () => {
    const response = await post("/api/auth/sign-up/email", { ...administrator, email: "eve@example.com" });
    expect(response.ok).toBe(false);
    expect(await site.lab.ctx.db.select().from(schema.user)).toHaveLength(1);
  });
});

describe("sessions", () => {
  test("the cookie is out of scripts' reach and not sent by other sites; the password is not stored", async () => {
    const response = await signIn(administrator.email, administrator.password);
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie().join()).toMatch(/HttpOnly; SameSite=Lax/);
    const [row] = await site.lab.ctx.db.select().from(schema.account);
    expect(row?.password).toBeTruthy();
    expect(row?.password).not.toContain(administrator.password);
  });
  test("signing out ends it; a forged cookie never was one", async () => {
    const mine = cookieOf(await signIn(administrator.email, administrator.password));
    expect((await call(site, "runs.list", { headers: { cookie: mine } })).status).toBe(200);
    expect((await post("/api/auth/sign-out", {}, { cookie: mine })).status).toBe(200);
    expect((await call(site, "runs.list", { headers: { cookie: mine } })).status).toBe(401);
    const forged = cookie.replace(/(session_token=[^;]*)[^;]{6}/, "$1AAAAAA");
    expect(forged).not.toBe(cookie);
    expect((await call(site, "runs.list", { headers: { cookie: forged } })).status).toBe(401);
  });
  test("guessing is slowed down, whatever address the guesser claims", async () => {
    const tries = [];
    for (let i = 0; i < 12; i++)
      tries.push(
        await post(
          "/api/auth/sign-in/email",
          { email: "guess@example.com", password: `guess ${i} ${i}` },
          { "x-forwarded-for": `10.0.0.${i}` },
        ),
      );
    expect(tries.map(({ status }) => status)).toEqual([...Array(10).fill(401), 429, 429]);
    expect(Number(tries.at(-1)?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await signIn(administrator.email, administrator.password)).status).toBe(200); // nobody else is locked out
  });
});
