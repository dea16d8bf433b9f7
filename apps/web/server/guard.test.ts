import { describe, expect, test } from "vitest";
import { requireKnownHost, requireSameSite } from "./guard.ts";

const hosts = ["localhost", "127.0.0.1", "[::1]", "box"];
const from = (headers: Record<string, string>) => new Request("http://ignored/", { headers });

describe("requireKnownHost", () => {
  test.each(["localhost", "LOCALHOST:3210", "127.0.0.1:80", "[::1]:3210", "box"])("lets %s in", (host) => {
    expect(() => requireKnownHost(new Headers({ host }), hosts)).not.toThrow();
  });
  test.each([
    "",
    "evil.example",
    "localhost.evil.example",
    "evil.example:127.0.0.1",
    "box.",
    "localhost@evil",
    "127.0.0.1.nip.io",
  ])('refuses "%s"', (host) => {
    expect(() => requireKnownHost(new Headers(host ? { host } : {}), hosts)).toThrow(/does not answer to the name/);
  });
});

describe("requireSameSite", () => {
  const host = "box:3210";
  test.each<Record<string, string>>([
    {},
    { origin: "http://box:3210" },
    { origin: "https://box:3210", "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "none" },
  ])("lets %j in", (headers) => {
    expect(() => requireSameSite(from({ host, ...headers }), undefined)).not.toThrow();
  });
  test.each<Record<string, string>>([
    { origin: "http://box" },
    { origin: "http://box:3211" },
    { origin: "http://evil/box:3210" },
    { origin: "null" },
    { origin: "" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("refuses %j", (headers) => {
    expect(() => requireSameSite(from({ host, ...headers }), undefined)).toThrow(/another site/);
  });
  test("behind a proxy the public address is ours, too", () => {
    const headers = { host: "127.0.0.1:3210", origin: "https://anneal.corp" };
    expect(() => requireSameSite(from(headers), "https://anneal.corp/")).not.toThrow();
    expect(() => requireSameSite(from(headers), undefined)).toThrow();
  });
});

test("behind a proxy that speaks TLS the same name without it is another site", () => {
  const at = (origin: string, host = "anneal.example.com") => from({ origin, host });
  const publicUrl = "https://anneal.example.com";
  expect(() => requireSameSite(at("https://anneal.example.com"), publicUrl)).not.toThrow();
  expect(() => requireSameSite(at("http://anneal.example.com"), publicUrl)).toThrow();
  expect(() => requireSameSite(at("https://anneal.example.com:444"), publicUrl)).toThrow();
  expect(() => requireSameSite(at("http://127.0.0.1:3210", "127.0.0.1:3210"), publicUrl)).not.toThrow();
});
