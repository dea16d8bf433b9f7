// Twenty hostile tokenizers and chat templates are checked at once while pages are asked for: none holds up the console.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { datasets } from "@anneal/services";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hostileTexts, writeTextModel } from "../../support/hostile-texts.ts";
import { bearer, call, openSite, type Site } from "./support.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

it("pages answer while each of them ends with a clear error", async () => {
  const { lab } = site;
  const file = join(lab.home, "incoming/hostile.jsonl");
  const answer = `${"a".repeat(300)} ${"x".repeat(300)}`;
  const messages = [
    { role: "user", content: "question" },
    { role: "assistant", content: answer },
  ];
  writeFileSync(file, `${JSON.stringify({ messages })}\n`);
  const { uploadId } = await datasets.importPath(lab.ctx, { path: file });
  const made = await datasets.commit(lab.ctx, { uploadId, name: "hostile" });
  const versionId = made.versions.at(-1)?.id;
  const token = await site.newToken("datasets:read", "models:read");

  let asking = true;
  const waits: number[] = [];
  const visitor = (async () => {
    while (asking)
      for (const page of ["/healthz", "/readyz", "/sign-in"]) {
        const began = performance.now();
        const response = await fetch(site.url + page);
        await response.arrayBuffer();
        expect(response.status, page).toBeLessThan(500);
        waits.push(performance.now() - began);
      }
  })();

  const outcomes = await Promise.all(
    hostileTexts.map(async ([name, files, said], i) => {
      const base = join(lab.home, "models", `hostile-${i}`);
      cpSync(lab.model, base, { recursive: true });
      rmSync(join(base, "chat_template.jinja"), { force: true });
      mkdirSync(base, { recursive: true });
      writeTextModel(base, files);
      const { body, status } = await call(site, "datasets.check", {
        input: { versionId, base, maxSequenceTokens: 4096 },
        headers: bearer(token),
      });
      return { name, status, text: JSON.stringify(body), said };
    }),
  );
  asking = false;
  await visitor;
  for (const { name, status, text, said } of outcomes) {
    expect(status, name).toBeGreaterThanOrEqual(400);
    expect(text, name).toMatch(said);
  }
  // A pattern in the console's own thread would let nobody in until it ends, which is never.
  expect(waits.length).toBeGreaterThan(20);
  expect(Math.max(...waits)).toBeLessThan(10_000);
});
