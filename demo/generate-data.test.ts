import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { datasets, toLine } from "./generate-data.ts";
import { fill } from "./language/grammar.ts";
import { intents } from "./language/intents/index.ts";
import { Random } from "./language/random.ts";

describe("the demo's dataset", () => {
  const { train, test } = datasets();

  it("shares no template, and no question, between training and test", () => {
    for (const intent of intents)
      for (const template of intent.test) expect(intent.train, intent.label).not.toContain(template);
    const trained = new Set(train.flatMap((row) => [row.template, row.question.toLowerCase()]));
    for (const row of test) {
      expect(trained.has(row.template), row.template).toBe(false);
      expect(trained.has(row.question.toLowerCase()), row.question).toBe(false);
    }
  });

  it("asks nothing in the test that a training template can say", () => {
    const random = new Random(3);
    const clashes = new Set<string>();
    const bare = (template: string) =>
      fill(template, random)
        .toLowerCase()
        .replace(/[.,?!:]/g, "");
    for (const intent of intents) {
      const sayable = new Set(intent.train.flatMap((t) => Array.from({ length: 200 }, () => bare(t))));
      for (const template of intent.test)
        for (let i = 0; i < 100; i++) if (sayable.has(bare(template))) clashes.add(template);
    }
    expect([...clashes]).toEqual([]);
  });

  it("has every intent, evenly, in both parts", () => {
    for (const rows of [train, test]) {
      const counts = new Map<string, number>();
      for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1);
      expect(counts.size).toBe(intents.length);
      expect(Math.min(...counts.values())).toBeGreaterThan(0.9 * Math.max(...counts.values()));
    }
    expect(intents.length).toBeGreaterThanOrEqual(24);
  });

  it("is what lies in demo/data, byte for byte", () => {
    for (const [name, rows] of Object.entries({ train, test })) {
      const text = rows.map((row) => `${toLine(row)}\n`).join("");
      expect(readFileSync(join(import.meta.dirname, "data", `${name}.jsonl`), "utf8") === text, name).toBe(true);
    }
  });

  it("changes with the seed", () => {
    expect(datasets(8).train[0]).not.toEqual(train[0]);
  });
});
