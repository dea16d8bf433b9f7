import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { ArtifactKind } from "@anneal/contracts";
import { newId, schema } from "@anneal/db";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { downloadArtifact, problemOf, uploadDataset } from "../../../packages/sdk/src/index.ts";
import { bearer, openSite, problemCode, type Site } from "./support.ts";

let site: Site;
let runId: string;
const maxBytes = 64 * 1024;
beforeAll(async () => {
  site = await openSite({ ANNEAL_UPLOAD_MAX_BYTES: String(maxBytes) });
  runId = (await site.lab.createRun()).id;
});
afterAll(() => site?.close());

const admin = () => bearer(site.localToken);
const put = (name: string, body: BodyInit, headers: Record<string, string> = {}) => {
  const init: RequestInit & { duplex: "half" } = {
    method: "PUT",
    body,
    headers: { ...admin(), ...headers },
    duplex: "half",
  };
  return fetch(`${site.url}/api/uploads?name=${encodeURIComponent(name)}`, init);
};
const uploadsOnDisk = () => readdirSync(site.lab.ctx.paths.uploads);

describe("uploads", () => {
  test("a file is looked at and can become a version", async () => {
    const path = join(site.lab.home, "q.csv");
    writeFileSync(path, "question,answer\nhello,hi\nbye,see you\n");
    const seen: number[] = [];
    const found = await uploadDataset({ url: site.url, token: site.localToken }, path, {
      onProgress: (done) => seen.push(done),
    });
    expect(found).toMatchObject({ fileName: "q.csv", format: "csv", goodRows: 2, badLineCount: 0 });
    expect(seen.at(-1)).toBe(found.bytes);
  });
  test("beyond the cap nothing stays, whether the length was promised or not", async () => {
    const before = uploadsOnDisk();
    const promised = await put("big.jsonl", "x".repeat(maxBytes + 1));
    expect(promised.status).toBe(413);
    expect(await promised.text()).toContain("ANNEAL_UPLOAD_MAX_BYTES");
    const streamed = await put("big.jsonl", new Blob(["y".repeat(maxBytes + 1)]).stream());
    expect(streamed.status).toBe(413);
    expect(uploadsOnDisk()).toEqual(before);
  });
  test("up to the cap it goes through (negative control)", async () => {
    const line = `${JSON.stringify({ prompt: "a", completion: "b" })}\n`;
    const body = line.repeat(Math.floor(maxBytes / line.length));
    expect((await put("fits.jsonl", new Blob([body]).stream())).status).toBe(200);
  });
  test.each(["../../../etc/passwd", "..\\..\\x", "a/b.jsonl", "/etc/passwd"])(
    "a name like %s is only a name",
    async (name) => {
      const response = await put(name, `${JSON.stringify({ prompt: "a", completion: "b" })}\n`);
      expect(response.status).toBe(200);
      expect(((await response.json()) as { fileName: string }).fileName).not.toMatch(/[/\\]/);
      expect(uploadsOnDisk().every((file) => /^[0-9a-z.-]+$/i.test(file))).toBe(true);
    },
  );
  test("a missing name, a missing permission", async () => {
    expect((await put("", "x")).status).toBe(400);
    const reader = bearer(await site.newToken("datasets:read"));
    expect((await put("x.jsonl", "x", reader)).status).toBe(403);
  });
});

async function artifact(
  kind: ArtifactKind,
  content: string,
  changes: { path?: string; digest?: string; bytes?: number; name?: string } = {},
) {
  const id = newId();
  const name = changes.name ?? `${id}.bin`;
  const path = changes.path ?? join(site.lab.ctx.paths.runs, runId, "exports", `${id}.bin`);
  if (!changes.path) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  const digest = changes.digest ?? `sha256:${createHash("sha256").update(content).digest("hex")}`;
  const bytes = changes.bytes ?? Buffer.byteLength(content);
  const file = relative(join(site.lab.ctx.paths.runs, runId), path);
  await site.lab.ctx.db.insert(schema.artifacts).values({ id, runId, kind, name, digest, bytes, file });
  return { id, digest, bytes, path };
}
const get = (id: string, query = "", headers: Record<string, string> = {}) =>
  fetch(`${site.url}/api/artifacts/${id}${query}`, { headers: { ...admin(), ...headers } });

describe("artifacts", () => {
  test("come as they were exported, as a download", async () => {
    const { id } = await artifact("gguf", "weights", { name: 'модель "x".gguf' });
    const response = await get(id);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("weights");
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("content-disposition")).toMatch(
      /^attachment; filename="[A-Za-z0-9._-]+"; filename\*=UTF-8''%D0/,
    );
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });
  test("a download that broke off goes on from where it was", async () => {
    const { id } = await artifact("gguf", "0123456789");
    const part = await get(id, "", { range: "bytes=4-" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 4-9/10",
      "456789",
    ]);
  });
  test("the client proves what arrived", async () => {
    const made = await artifact("gguf", "weights again");
    const target = join(site.lab.home, "downloaded.gguf");
    await downloadArtifact({ url: site.url, token: site.localToken }, made, target);
    const other = { ...made, digest: `sha256:${"0".repeat(64)}` };
    await expect(downloadArtifact({ url: site.url, token: site.localToken }, other, `${target}2`)).rejects.toThrow(
      "damaged",
    );
    expect(readdirSync(site.lab.home).filter((name) => name.startsWith("downloaded"))).toEqual(["downloaded.gguf"]);
  });
  test("a changed file is refused, also after it was good", async () => {
    const made = await artifact("gguf", "good");
    expect((await get(made.id)).status).toBe(200);
    writeFileSync(made.path, "evil");
    const response = await get(made.id);
    expect(response.status).toBe(409);
    expect(await response.text()).toContain("is damaged: its bytes are not those that were stored");
  });
  test("no path leads out of the runs' folder, not by a link either", async () => {
    const secret = join(site.lab.home, "secrets/server.key");
    const inside = join(site.lab.ctx.paths.runs, runId, "link");
    mkdirSync(dirname(inside), { recursive: true });
    symlinkSync(secret, inside);
    for (const path of [secret, `${site.lab.ctx.paths.runs}/../secrets/server.key`, inside]) {
      const { id } = await artifact("report", "", { path, bytes: 65, name: newId() });
      const response = await get(id);
      expect(response.status).toBe(412);
      expect(await response.text()).not.toMatch(/[0-9a-f]{64}/);
    }
  });
  test.each(["not-an-id", "0191d2a0-0000-7000-8000-000000000000", "..%2f..%2fetc%2fpasswd", "%00"])(
    "%s is no artifact",
    async (id) => {
      const response = await get(id);
      expect([400, 404]).toContain(response.status);
      expect(["INVALID_INPUT", "NOT_FOUND"]).toContain(problemCode(await response.json()));
    },
  );
  test("the report opens as a page that can do nothing; other files never open", async () => {
    const html = "<!doctype html><script>alert(1)</script>";
    const report = await get((await artifact("report", html)).id, "?inline=1");
    expect(report.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = report.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/; sandbox$/);
    expect(policy).not.toContain("script");
    const other = await get((await artifact("gguf", html)).id, "?inline=1");
    expect(other.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(other.headers.get("content-type")).toBe("application/octet-stream");
  });
  test("a token needs the permission", async () => {
    const { id } = await artifact("gguf", "x");
    expect((await get(id, "", bearer(await site.newToken("runs:read")))).status).toBe(403);
  });
});

test("errors of transfers are told as everywhere", async () => {
  const path = join(site.lab.home, "empty.jsonl");
  writeFileSync(path, "{}\n");
  const failure = await uploadDataset({ url: site.url, token: "anl_wrong" }, path).catch((error: unknown) => error);
  expect(problemOf(failure)).toMatchObject({ code: "UNAUTHENTICATED" });
});
