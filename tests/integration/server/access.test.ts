import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAnnealClient } from "../../../packages/sdk/src/index.ts";
import { administrator, bearer, call, cookieOf, openSite, type Site, signInFirst } from "./support.ts";

let site: Site;
let cookie: string; // of the administrator's own browser: session and device
beforeAll(async () => {
  site = await openSite();
  cookie = await signInFirst(site);
});
afterAll(() => site?.close());

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(site.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", origin: site.url, ...headers },
    body: JSON.stringify(body),
  });
const signIn = (password: string, headers: Record<string, string> = {}) =>
  post("/api/auth/sign-in/email", { email: administrator.email, password }, headers);
const deviceOf = (cookies: string) => cookies.split("; ").find((one) => one.startsWith("anneal.device=")) ?? "";
const auditOf = async (action: string) => {
  const { body } = await call(site, "system.audit", { input: { limit: 200 }, headers: bearer(site.localToken) });
  type Row = { action: string; subject: string; actorKind: string; actorId: string; details: Record<string, unknown> };
  return (body as { result: { data: { items: Row[] } } }).result.data.items.filter((row) => row.action === action);
};
async function makeToken(by: string, expiresInDays: number | null, ...permissions: string[]) {
  const input = { name: "made", permissions, expiresInDays };
  const { body } = await call(site, "system.createToken", { kind: "mutation", input, headers: bearer(by) });
  type Made = { token: string; summary: { id: string; expiresAt: string | null } };
  return (body as { result: { data: Made } }).result.data;
}
const revoke = (tokenId: string) =>
  call(site, "system.revokeToken", { kind: "mutation", input: { tokenId }, headers: bearer(site.localToken) });

/** Opens the stream of all runs; what comes back waits for its end and says how it ended. */
async function openStream(headers: Record<string, string>): Promise<() => Promise<string>> {
  const response = await fetch(`${site.url}/api/trpc/runs.watchAll`, { headers });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body?.getReader();
  const first = await reader?.read();
  let text = Buffer.from(first?.value ?? []).toString();
  return async () => {
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done) return text;
      text += Buffer.from(part.value).toString();
    }
  };
}

describe("tokens made by tokens", () => {
  test("end at the latest with the one that made them", async () => {
    const parent = await makeToken(site.localToken, 2, "system:admin", "runs:read");
    for (const wish of [null, 3650, 365]) {
      const child = await makeToken(parent.token, wish, "runs:read");
      expect(child.summary.expiresAt).toBe(parent.summary.expiresAt);
    }
    const shorter = await makeToken(parent.token, 1, "runs:read");
    expect(Date.parse(shorter.summary.expiresAt ?? "")).toBeLessThan(Date.parse(parent.summary.expiresAt ?? ""));
  });
  test("are revoked with it, over generations; others are not (negative control)", async () => {
    const parent = await makeToken(site.localToken, 2, "system:admin", "runs:read");
    const child = await makeToken(parent.token, 2, "system:admin", "runs:read");
    const grandchild = await makeToken(child.token, 2, "runs:read");
    const other = await makeToken(site.localToken, 2, "runs:read");
    await revoke(parent.summary.id);
    const answers = await Promise.all(
      [parent, child, grandchild, other].map(({ token }) => call(site, "runs.list", { headers: bearer(token) })),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 200]);
    const told = await auditOf("token.revoke");
    expect(told.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([parent, child, grandchild].map(({ summary }) => summary.id)),
    );
  });
});

describe("an open stream ends soon after", () => {
  test("its token is revoked", async () => {
    const { token, summary } = await makeToken(site.localToken, 1, "runs:read");
    const ended = await openStream(bearer(token));
    await revoke(summary.id);
    expect(await ended()).toContain("UNAUTHENTICATED");
  });
  test("the token that made its token is revoked", async () => {
    const parent = await makeToken(site.localToken, 1, "system:admin", "runs:read");
    const child = await makeToken(parent.token, 1, "runs:read");
    const ended = await openStream(bearer(child.token));
    await revoke(parent.summary.id);
    expect(await ended()).toContain("UNAUTHENTICATED");
  });
  test("its session is signed out, while another's goes on (negative control)", async () => {
    const mine = cookieOf(await signIn(administrator.password));
    const leave = new AbortController();
    const other = await fetch(`${site.url}/api/trpc/runs.watchAll`, { headers: { cookie }, signal: leave.signal });
    const reader = other.body?.getReader();
    const ended = await openStream({ cookie: mine });
    expect((await post("/api/auth/sign-out", {}, { cookie: mine })).status).toBe(200);
    expect(await ended()).toContain("UNAUTHENTICATED");
    // Its next sign of life comes within the ping's ten seconds.
    let text = "";
    while (!text.includes("ping")) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(text).not.toContain("UNAUTHENTICATED");
    leave.abort();
  });
});

describe("the one account", () => {
  test("is not shut out by strangers: its own browser comes in while they are limited", async () => {
    const tries = [];
    for (let i = 0; i < 12; i++) tries.push((await signIn(`guess number ${i}`)).status);
    expect(tries).toEqual([...Array(10).fill(401), 429, 429]);
    expect((await signIn(administrator.password)).status).toBe(429); // a stranger who knows the password waits
    expect((await signIn(administrator.password, { cookie: deviceOf(cookie) })).status).toBe(200);
    // A mark of another account, or one that was made up, is a stranger's.
    expect((await signIn(administrator.password, { cookie: "anneal.device=made.up" })).status).toBe(429);
  });
  test("takes no sign-in in another form, whose tries nobody could count", async () => {
    const response = await fetch(`${site.url}/api/auth/sign-in/email`, {
      method: "POST",
      headers: { origin: site.url, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ email: administrator.email, password: administrator.password }),
    });
    expect(response.status).toBe(400);
  });
  test("limits guesses within a session", async () => {
    const mine = cookieOf(await signIn(administrator.password, { cookie: deviceOf(cookie) }));
    const guesses = [];
    for (let i = 0; i < 12; i++) {
      const body = { currentPassword: `guess number ${i}`, newPassword: "another password" };
      guesses.push((await post("/api/auth/change-password", body, { cookie: mine })).status);
    }
    expect(guesses.slice(0, 10)).toEqual(Array(10).fill(400));
    expect(guesses.slice(10)).toEqual([429, 429]);
  });
  test("gets a new password on the machine itself, and every session of it ends", async () => {
    const { readFileSync } = await import("node:fs");
    const local = JSON.parse(readFileSync(`${site.lab.home}/local-client.json`, "utf8")) as { key: string };
    const reset = (key: string, password: string) =>
      post("/api/local/password", { password }, { authorization: `Local ${key}` });
    expect((await reset("guess", "a new long password")).status).toBe(401);
    expect((await post("/api/local/password", { password: "x".repeat(12) }, bearer(site.localToken))).status).toBe(401);
    expect((await reset(local.key, "short")).status).toBe(400);
    expect((await call(site, "runs.list", { headers: { cookie } })).status).toBe(200);
    expect((await reset(local.key, "a new long password")).status).toBe(200);
    expect((await call(site, "runs.list", { headers: { cookie } })).status).toBe(401);
    const again = await signIn("a new long password", { cookie: deviceOf(cookie) });
    expect(again.status).toBe(200);
    cookie = cookieOf(again);
  });
  test("ends its other sessions when its password is changed", async () => {
    await site.restart(); // the tries that were counted above
    const [mine, other] = [1, 2].map(() => signIn("a new long password", { cookie: deviceOf(cookie) }));
    const [first, second] = [cookieOf((await mine) as Response), cookieOf((await other) as Response)];
    const body = {
      currentPassword: "a new long password",
      newPassword: "yet another password",
      revokeOtherSessions: false,
    };
    const changed = await post("/api/auth/change-password", body, { cookie: first });
    expect(changed.status).toBe(200);
    expect((await call(site, "runs.list", { headers: { cookie: second } })).status).toBe(401);
    cookie = cookieOf(changed);
    expect((await call(site, "runs.list", { headers: { cookie } })).status).toBe(200);
  });
  test("what was done with it is told, with account and address, by kind and number", async () => {
    for (const action of ["session.start", "session.refuse", "session.end", "user.password", "user.password.reset"])
      expect((await auditOf(action)).length, action).toBeGreaterThan(0);
    const [refused] = await auditOf("session.refuse");
    expect(refused).toMatchObject({ subject: administrator.email, details: { address: "127.0.0.1" } });
    const [started] = await auditOf("session.start");
    expect(started).toMatchObject({ actorKind: "user", details: { email: administrator.email, address: "127.0.0.1" } });
    const [made] = await auditOf("token.create");
    expect(made).toMatchObject({ actorKind: "token", actorId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });
});

describe("calls of the typed client", () => {
  const client = () => createAnnealClient({ url: site.url, token: site.localToken });
  test.each([60, 130])("%i at once are answered, in batches the server takes", async (count) => {
    const answers = await Promise.all(Array.from({ length: count }, () => client().runs.list.query({ limit: 1 })));
    expect(answers).toHaveLength(count);
    const one = client();
    expect(await Promise.all(Array.from({ length: count }, () => one.runs.list.query({ limit: 1 })))).toHaveLength(
      count,
    );
  });
  test("a plan with texts beyond any address is answered; a query by GET still is, too (negative control)", async () => {
    const spec = {
      base: site.lab.model,
      dataset: site.lab.datasetVersion,
      maxSequenceTokens: 64,
      samples: { prompts: Array(16).fill("很长的问题".repeat(200)) },
      publish: { name: "long", system: "汉".repeat(20_000) },
    };
    expect(await client().runs.plan.query({ spec })).toMatchObject({ steps: expect.any(Number) });
    expect((await call(site, "runs.list", { headers: bearer(site.localToken) })).status).toBe(200);
  });
  test("a mutation is not to be had as a query by GET", async () => {
    const input = encodeURIComponent(JSON.stringify({ tokenId: "0191d2a0-0000-7000-8000-000000000000" }));
    const response = await fetch(`${site.url}/api/trpc/system.revokeToken?input=${input}`, {
      headers: bearer(site.localToken),
    });
    expect(response.status).toBe(405);
  });
});
