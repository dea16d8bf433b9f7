// Tokenizers and chat templates of strangers in threads of their own: each ends within its deadline, and nobody waits for it.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { DatasetRow } from "@anneal/contracts";
import { createTextHost, type TextModelRef, type TextPort } from "@anneal/text";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hostileTexts, writeTextModel } from "../../support/hostile-texts.ts";
import { textThread } from "../../support/text-thread.ts";

const home = mkdtempSync(join(tmpdir(), "anneal-text-threads-"));
const rowSeconds = 2;
let host: TextPort;

beforeAll(async () => {
  host = createTextHost({ program: await textThread(), rowSeconds, loadSeconds: 20, megabytes: 512 });
});
afterAll(async () => {
  await host.close();
  rmSync(home, { recursive: true, force: true });
});

function modelOf(name: string, files: Parameters<typeof writeTextModel>[1]): TextModelRef {
  const dir = join(home, name);
  mkdirSync(dir);
  writeTextModel(dir, files);
  return { key: name, source: () => ({ kind: "hf", dir }) };
}
const row = (content: string): DatasetRow => ({
  messages: [
    { role: "user", content: "question" },
    { role: "assistant", content },
  ],
});
const options = { maxSequenceTokens: 4096, examples: 1 };

it.each(hostileTexts)(
  "%s ends with a clear error, and holds up neither this thread nor another model",
  async (name, files, said) => {
    const good = modelOf(`good beside ${name}`, {});
    const bad = modelOf(name, files);
    let last = performance.now();
    let longest = 0;
    const pulse = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 20);
    try {
      const refused = host.check(bad, [row("fine"), row(`${"a".repeat(300)} ${"x".repeat(300)}`)], options);
      const [outcome, check] = await Promise.all([
        refused.then(
          () => "it passed",
          (error: Error) => `${error.name}: ${error.message}`,
        ),
        host.check(good, [row("fine"), row("also")], options),
      ]);
      expect(outcome).toMatch(/^TextError: /);
      expect(outcome).toMatch(said);
      expect(check.rows).toBe(2);
    } finally {
      clearInterval(pulse);
    }
    expect(longest).toBeLessThan(60_000); // a pattern at work in this thread would hold the pulse for ever
  },
);

it("keeps the models used last, and reads one again whose key is another", async () => {
  const model = modelOf("kept", {});
  await host.load(model);
  const again = { ...model, source: () => expect.unreachable("it is loaded already") };
  expect((await host.check(again, [row("a")], options)).rows).toBe(1);
});

it("says what a thread says: rows, facts, differences and reports", async () => {
  const [a, b] = [modelOf("a", {}), modelOf("b", {})];
  expect(await host.firstDifference(a, b, 256)).toBeNull();
  expect(await host.facts(a, 256)).toEqual(await host.facts(b, 256));
  expect(await host.tokenReport(a, 300, { gguf: true })).toMatchObject({ needed: null });
  await expect(host.check(a, [row("a")], { ...options, embeddingRows: 90 })).rejects.toThrow(
    /^row 1: .*has no row in the model's embedding/,
  );
});
