import { api, Permission } from "@anneal/contracts";
import { schema } from "@anneal/db";
import { system, tokens } from "@anneal/services";
import { workHere } from "@anneal/services/worker";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorld, problemOf, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test("a token is shown once, stored as an HMAC, and opens no more than its permissions", async () => {
  const { ctx, db } = world;
  const { token, summary } = await tokens.create(ctx, {
    name: "ci",
    permissions: ["runs:read", "runs:read", "datasets:read"],
  });
  expect(token).toMatch(/^anl_[\w-]{43}$/);
  const [row] = await db.select().from(schema.apiTokens);
  expect(JSON.stringify(row)).not.toContain(token);
  expect(row?.hash).toBe(ctx.hashToken?.(token));
  expect(token.startsWith(summary.prefix)).toBe(true);
  expect(summary.prefix.length).toBeLessThan(16);
  expect(JSON.stringify(await tokens.list(ctx, undefined))).not.toContain(token);
  expect(await tokens.authenticate(ctx, token)).toMatchObject({
    actor: { kind: "token", name: "ci", permissions: ["public", "account:read", "runs:read", "datasets:read"] },
  });
  expect((await tokens.list(ctx, undefined))[0]?.lastUsedAt).not.toBeNull();
  const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  for (const other of [wrong, "", "anl_", `${token}x`, "' or 1=1 --"])
    expect(await tokens.authenticate(ctx, other)).toBeNull();
  // Another secret does not know it: a stolen table opens nothing.
  expect(await tokens.authenticate({ ...ctx, hashToken: (t) => `x${t}` }, token)).toBeNull();

  expect(await tokens.revoke(ctx, { tokenId: summary.id })).toEqual({ revoked: true });
  expect(await tokens.revoke(ctx, { tokenId: summary.id })).toEqual({ revoked: true });
  expect(await tokens.authenticate(ctx, token)).toBeNull();
  expect(await tokens.list(ctx, undefined)).toEqual([]);
  expect(await problemOf(tokens.revoke(ctx, { tokenId: crypto.randomUUID() }))).toMatchObject({ code: "NOT_FOUND" });
});

test("tokens expire, and nobody gives away what is not theirs", async () => {
  const { ctx, clock } = world;
  const { token } = await tokens.create(ctx, { name: "short", permissions: ["runs:read"], expiresInDays: 1 });
  const forever = await tokens.create(ctx, { name: "long", permissions: ["runs:read"], expiresInDays: null });
  const start = clock.now;
  clock.now = new Date(start.getTime() + 2 * 86_400_000);
  expect(await tokens.authenticate(ctx, token)).toBeNull();
  expect(await tokens.authenticate(ctx, forever.token)).not.toBeNull();
  clock.now = start;
  const limited = world.as("project:admin", "runs:read");
  expect(
    await problemOf(tokens.create(limited, { name: "more", permissions: ["runs:read", "runs:write"] })),
  ).toMatchObject({
    code: "FORBIDDEN",
    field: "permissions",
  });
  const keyless = { ...ctx, hashToken: undefined };
  expect(await problemOf(tokens.create(keyless, { name: "none", permissions: ["runs:read"] }))).toMatchObject({
    code: "UNAVAILABLE",
  });
});

test("the audit trail grows only, and pages hold each entry once", async () => {
  const { ctx, db } = world;
  for (let i = 0; i < 7; i++) await tokens.create(ctx, { name: `t${i}`, permissions: ["runs:read"] });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = api.system.audit.output.parse(await system.auditTrail(ctx, { limit: 3, cursor }));
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  const all = await db.select({ id: schema.audit.id }).from(schema.audit);
  expect(seen).toHaveLength(all.length);
  expect(new Set(seen).size).toBe(seen.length);
  const [entry] = (await system.auditTrail(ctx, { limit: 1 })).items;
  expect(entry).toMatchObject({ actor: "Ada", action: "token.create", details: { name: "t6" } });
  for (const change of [sql`update audit set action = 'nothing'`, sql`delete from audit`, sql`truncate audit`])
    await expect(world.everywhere.execute(change)).rejects.toMatchObject({
      cause: { message: expect.stringContaining("append-only") },
    });
  expect(await db.select({ id: schema.audit.id }).from(schema.audit)).toHaveLength(all.length);
});

test("the first administrator: one token, one winner, however many come at once", async () => {
  const { db, clock } = world;
  const ctx = { ...world.ctx, db: world.everywhere, projectId: null }; // nobody is in a project yet
  const hash = async (password: string) => `hash of ${password.length}`;
  const person = { name: "Ada", email: "Ada@Example.org", password: "a long password" };
  expect(await system.needsSetup(ctx)).toBe(true);
  const old = await system.issueSetupToken(ctx);
  const fresh = await system.issueSetupToken(ctx);
  const use = (token: string | null) => system.createFirstAdministrator(ctx, { token, ...person }, hash);
  expect(await problemOf(use(old))).toMatchObject({ code: "FORBIDDEN", field: "token" }); // a newer one was issued
  expect(await problemOf(use("guess"))).toMatchObject({ code: "FORBIDDEN" });
  const start = clock.now;
  clock.now = new Date(start.getTime() + 2 * 86_400_000);
  expect(await problemOf(use(fresh))).toMatchObject({ code: "FORBIDDEN" });
  clock.now = start;
  expect(
    await problemOf(system.createFirstAdministrator(ctx, { token: fresh, ...person, password: "short" }, hash)),
  ).toMatchObject({
    field: "password",
  });
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => use(fresh)));
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const users = await db.select().from(schema.user);
  expect(users).toMatchObject([{ email: "ada@example.org" }]);
  expect(await system.needsSetup(ctx)).toBe(false);
  expect(await system.issueSetupToken(ctx)).toBeNull();
  expect(JSON.stringify(await db.select().from(schema.setupTokens))).not.toContain(fresh);
});

test("status, doctor and Ollama answer though Ollama does not", async () => {
  const { ctx } = world;
  const status = api.system.status.output.parse(await system.status(ctx, undefined));
  expect(status).toMatchObject({ queuedRuns: 0, runningRuns: 0, ollama: { reachable: false } });
  const checks = api.system.doctor.output.parse(await system.doctor(ctx, undefined));
  const by = Object.fromEntries(checks.map((check) => [check.name, check]));
  // The tests' own server is reached as its superuser, which the doctor does not like; the roles have a test of their own.
  expect(by.Postgres).toMatchObject({ status: "warning", found: expect.stringContaining("is a superuser") });
  expect(by.Engine?.status).not.toBe("missing");
  expect(by.Ollama).toMatchObject({ status: "warning", remedy: expect.stringContaining("ollama serve") });
  for (const { status: state, remedy } of checks) if (state !== "ok") expect(remedy).not.toBeNull();
  const gone = { ...ctx, paths: { ...ctx.paths, home: "/nonexistent/anneal" } };
  expect(
    (await system.doctor({ ...gone, work: workHere(gone) }, undefined)).find(({ name }) => name === "Disk")?.status,
  ).toBe("warning");
  expect(Permission.options).toContain("system:read");
});
