import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAnnealClient } from "../../../packages/sdk/src/index.ts";
import { bearer, openSite, type Site } from "./support.ts";

// A request may take 4 s, an upload may stand still for 3 s.
let site: Site;
beforeAll(async () => {
  site = await openSite({ ANNEAL_REQUEST_SECONDS: "4", ANNEAL_UPLOAD_STALL_SECONDS: "3" });
});
afterAll(() => site?.close());

/** Sends a body piece by piece with a pause between; the answer's status, or the error's code. */
function trickle(method: string, path: string, pieces: string[], pauseMilliseconds: number) {
  return new Promise<{ status: number; body: string } | { error: string }>((resolve) => {
    const request = httpRequest(
      site.url + path,
      { method, headers: { ...bearer(site.localToken), "content-type": "application/json" } },
      (response) => {
        let body = "";
        response.on("data", (chunk) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    void (async () => {
      for (const piece of pieces) {
        if (request.destroyed) return;
        request.write(piece);
        await pause(pauseMilliseconds);
      }
      request.end();
    })();
  });
}
const row = (i: number) => `${JSON.stringify({ prompt: `question ${i}`, completion: `answer ${i}` })}\n`;
const rows = (count: number) => Array.from({ length: count }, (_, i) => row(i));

describe("slow senders", () => {
  test("an upload may take longer than a request as long as it goes on", async () => {
    const answer = await trickle("PUT", "/api/uploads?name=slow.jsonl", rows(8), 1000);
    expect(answer).toMatchObject({ status: 200 });
    expect(JSON.parse("body" in answer ? answer.body : "{}")).toMatchObject({
      fileName: "slow.jsonl",
      bytes: rows(8).join("").length,
    });
  });
  test("an upload that stands still is given up (negative control)", async () => {
    const answer = await trickle("PUT", "/api/uploads?name=dead.jsonl", rows(2), 12_000);
    expect("status" in answer ? answer.status : answer.error).toEqual(expect.toBeOneOf([408, "ECONNRESET", "EPIPE"]));
  });
  test.each(["/api/trpc/runs.create", "/api/auth/sign-in/email", "/api/setup"])(
    "any other body is held to the limit of a request: %s",
    async (path) => {
      const answer = await trickle("POST", path, Array(40).fill(" "), 300);
      expect("status" in answer ? answer.status : answer.error).toEqual(expect.toBeOneOf([408, "ECONNRESET", "EPIPE"]));
    },
  );
});

/** Two requests on one connection, the second sent when the first is answered. */
function twoOnOneConnection(first: Buffer[], second: string) {
  return new Promise<string[]>((resolve, reject) => {
    const socket = connect(site.port, "127.0.0.1");
    const statuses: string[] = [];
    let text = "";
    socket.on("error", reject);
    socket.on("close", () => resolve([...statuses, "closed"]));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const found = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? "");
      if (found.length > statuses.length) {
        const isFirst = statuses.length === 0;
        statuses.splice(0, statuses.length, ...found);
        if (isFirst) socket.write(second);
        if (statuses.length === 2) {
          resolve(statuses);
          socket.destroy();
        }
      }
    });
    for (const part of first) socket.write(part);
  });
}
const head = (method: string, path: string, headers: Record<string, string>) =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;

describe("bodies that are refused before they are read", () => {
  const threeMiB = Buffer.alloc(3 * 1024 ** 2, 0x20);
  const cases: Record<string, () => { method: string; path: string; headers: Record<string, string>; status: string }> =
    {
      "a call without a token": () => ({ method: "POST", path: "/api/trpc/runs.create", headers: {}, status: "401" }),
      "an upload without a token": () => ({
        method: "PUT",
        path: "/api/uploads?name=x.jsonl",
        headers: {},
        status: "401",
      }),
      "a sign-in that is too large": () => ({
        method: "POST",
        path: "/api/auth/sign-in/email",
        headers: {},
        status: "413",
      }),
      "a set-up that is too large": () => ({ method: "POST", path: "/api/setup", headers: {}, status: "413" }),
      "a method nobody serves": () => ({ method: "DELETE", path: "/api/uploads", headers: {}, status: "405" }),
      "a route that is not there": () => ({ method: "POST", path: "/api/nothing", headers: {}, status: "404" }),
    };
  test.each(Object.keys(cases))("%s leaves the connection fit for the next request", async (name) => {
    const { method, path, headers, status } = cases[name]?.() ?? { method: "", path: "", headers: {}, status: "" };
    const length = { "content-length": String(threeMiB.length), "content-type": "application/json" };
    const statuses = await twoOnOneConnection(
      [Buffer.from(head(method, path, { ...headers, ...length })), threeMiB],
      head("GET", "/healthz", {}),
    );
    expect(statuses).toEqual([status, "200"]);
  });
  test("the typed client's next call works after a refusal", async () => {
    for (let i = 0; i < 5; i++) {
      await expect(
        createAnnealClient({ url: site.url, token: "anl_wrong" }).datasets.commit.mutate({
          uploadId: "x",
          name: "n".repeat(3_000_000),
        } as never),
      ).rejects.toThrow();
      await createAnnealClient({ url: site.url, token: site.localToken }).runs.list.query();
    }
  });
});

describe("addresses and methods no route can answer", () => {
  const raw = (method: string, path: string) =>
    new Promise<number>((resolve, reject) => {
      const request = httpRequest({ port: site.port, host: "127.0.0.1", method, path }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", reject);
      request.end();
    });
  test.each(["/api/artifacts/%", "/runs/%", "/api/trpc/%", "/datasets/%ff", "/%E0%A4%A", "/models/%c0%80", "/%zz"])(
    "%s answers 400",
    async (path) => expect(await raw("GET", path)).toBe(400),
  );
  test.each(["/", "/api/trpc/runs.list", "/runs", "/healthz", "/nothing"])("TRACE %s answers 405", async (path) =>
    expect(await raw("TRACE", path)).toBe(405),
  );
  test("well-written ones go through (negative control)", async () => {
    expect(await raw("GET", "/runs/%C3%A4")).toBeLessThan(500);
    expect(await raw("GET", "/healthz?x=%")).toBe(200);
  });
});

test("it ends within a few seconds while streams are open", async () => {
  const stream = await fetch(`${site.url}/api/trpc/runs.watchAll`, { headers: bearer(site.localToken) });
  const reader = stream.body?.getReader();
  await reader?.read();
  const ended = (async () => {
    while (!(await reader?.read())?.done);
  })().catch(() => undefined);
  const begun = Date.now();
  expect(await site.stop()).toBe(0);
  await ended;
  expect(Date.now() - begun).toBeLessThan(5000);
});
