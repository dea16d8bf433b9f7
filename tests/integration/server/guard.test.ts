import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bearer, call, openSite, type Site } from "./support.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite({ ANNEAL_HOSTS: "anneal.corp" });
});
afterAll(() => site?.close());

// fetch() does not let a caller choose Host.
function get(path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: site.port, path, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.once("error", reject);
    sent.end();
  });
}

describe("names", () => {
  const paths = ["/sign-in", "/runs", "/api/trpc/runs.list", "/api/setup", "/api/auth/get-session"];
  test.each(paths)("%s is not served under a foreign name", async (path) => {
    const headers = { host: `rebound.example:${site.port}`, ...bearer(site.localToken) };
    const { status, text } = await get(path, headers);
    expect(status).toBe(403);
    expect(text).toContain("ANNEAL_HOSTS");
  });
  test.each(["localhost", "127.0.0.1", "anneal.corp"])("%s is known (negative control)", async (host) => {
    const headers = { host: `${host}:${site.port}`, ...bearer(site.localToken) };
    expect((await get("/api/trpc/runs.list", headers)).status).toBe(200);
    expect((await get("/sign-in", headers)).status).toBe(200);
    expect((await get("/api/auth/get-session", headers)).status).toBe(200);
  });
});

describe("requests that another site makes", () => {
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:1" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  test.each(foreign)("%j is refused for reading, writing, uploads and sign-in", async (headers) => {
    const all = { ...headers, ...bearer(site.localToken) };
    expect((await call(site, "runs.list", { headers: all })).status).toBe(403);
    expect((await call(site, "system.createToken", { kind: "mutation", headers: all })).status).toBe(403);
    expect((await fetch(`${site.url}/api/uploads?name=x`, { method: "PUT", body: "x", headers: all })).status).toBe(
      403,
    );
    const signIn = { method: "POST", body: "{}", headers: { ...all, "content-type": "application/json" } };
    expect((await fetch(`${site.url}/api/auth/sign-in/email`, signIn)).status).toBe(403);
  });
  test("our own page is let in (negative control)", async () => {
    const headers = { origin: site.url, "sec-fetch-site": "same-origin", ...bearer(site.localToken) };
    expect((await call(site, "runs.list", { headers })).status).toBe(200);
  });
});

describe("headers", () => {
  test("every page has a policy with a nonce of its own, which its scripts carry", async () => {
    const nonces = new Set<string>();
    for (const path of ["/sign-in", "/sign-in", "/runs"]) {
      const response = await fetch(site.url + path);
      const policy = response.headers.get("content-security-policy") ?? "";
      const nonce = /'nonce-([A-Za-z0-9+/=]+)'/.exec(policy)?.[1] ?? "";
      nonces.add(nonce);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src[^;]*unsafe/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("x-powered-by")).toBeNull();
      const scripts = (await response.text()).match(/<script[^>]*>/g) ?? [];
      expect(scripts.length).toBeGreaterThan(0);
      expect(scripts.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([]);
    }
    expect(nonces.size).toBe(3);
  });
  test("data is not kept, framed or guessed at", async () => {
    const response = await fetch(`${site.url}/api/trpc/runs.list`, { headers: bearer(site.localToken) });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });
  test("no page names another host to load from", async () => {
    const html = await (await fetch(`${site.url}/sign-in`)).text();
    const loaded = [...html.matchAll(/<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]+)"/g)].map(
      ([, url]) => url ?? "",
    );
    expect(loaded.length).toBeGreaterThan(0);
    expect(loaded.filter((url) => !url.startsWith("/") || url.startsWith("//"))).toEqual([]);
  });
});

test("a body beyond the cap is refused, with and without a promised length", async () => {
  const big = JSON.stringify({ name: "x".repeat(5 * 1024 * 1024) });
  const headers = { "content-type": "application/json", ...bearer(site.localToken) };
  const promised = await fetch(`${site.url}/api/trpc/system.createToken`, { method: "POST", headers, body: big });
  expect(promised.status).toBe(413);
  expect(await promised.text()).toContain("more than 4194304 bytes");
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers,
    body: new Blob([big]).stream() as ReadableStream<Uint8Array>,
    duplex: "half",
  };
  const streamed = await fetch(`${site.url}/api/trpc/system.createToken`, init);
  expect(streamed.status).toBe(413);
});
