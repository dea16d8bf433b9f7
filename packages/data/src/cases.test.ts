import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatasetRow } from "@anneal/contracts";
import { afterAll, expect, test } from "vitest";
import { importVersion } from "./import.ts";
import { inspectFile } from "./inspect.ts";
import { openVersion } from "./open-version.ts";

// People's own files, with the rows that they must become.
const cases = join(import.meta.dirname, "../../../tests/fixtures/cases");
const folder = mkdtempSync(join(tmpdir(), "anneal-cases-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function load(name: string) {
  const fileName = name.split("/").at(-1) ?? name;
  const made = await importVersion(join(cases, name), { fileName, skipBadLines: false, folder });
  const reader = await openVersion(made.path);
  const rows = await reader.read(0, 1000);
  await reader.close();
  return { ...made, rows: rows as DatasetRow[] };
}
const contents = (row: DatasetRow | undefined, role: string) =>
  row && "messages" in row ? row.messages.filter((m) => m.role === role).map(({ content }) => content) : [];

test("context-columns: the passage stands in the question, the ward's line is the system turn", async () => {
  const tables = /CREATE TABLE (\w+)/;
  for (const name of ["context.csv", "context.jsonl"]) {
    const { rows } = await load(`context-columns/${name}`);
    expect(rows).toHaveLength(20);
    for (const row of rows) {
      const table = tables.exec(contents(row, "user")[0] ?? "")?.[1];
      expect(contents(row, "assistant")[0]).toContain(`FROM ${table} `);
    }
  }
  const { rows } = await load("context-columns/system-prompt.jsonl");
  expect(rows.map((row) => contents(row, "system"))).toEqual(
    Array.from({ length: 20 }, (_, i) => [`You write SQL for the ward ${i}.`]),
  );
  const control = await load("context-columns/control.csv");
  expect(control.rows[0]).toMatchObject({ messages: [{ role: "user" }, { role: "assistant" }], source: "ward" });
});

test("marks-of-dislike: five answers liked and five not, whatever the answers stand in", async () => {
  for (const name of ["control", "messages-label", "instruction-label", "response-label"]) {
    const { rows, format } = await load(`marks-of-dislike/${name}.jsonl`);
    expect(format, name).toBe("kto");
    expect(
      rows.map((row) => "desirable" in row && [row.desirable, row.completion[0]?.content]),
      name,
    ).toEqual(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? [true, `Good answer ${i}`] : [false, `Bad answer ${i}`])),
    );
  }
});

test("thoughts-in-a-field: the thoughts are part of the answer", async () => {
  const { rows } = await load("thoughts-in-a-field/thoughts.jsonl");
  expect(rows[0]).toEqual({
    messages: [
      { role: "user", content: "17*24?" },
      { role: "assistant", content: "408", reasoning_content: "17*20=340, 17*4=68, sum 408." },
    ],
  });
  expect(rows).toHaveLength(2);
});

test("same-rows-two-files: one digest for CSV and JSONL; input belongs to the question, a label is the answer", async () => {
  for (const name of ["alpaca", "labels"]) {
    const [csv, jsonl] = await Promise.all([
      load(`same-rows-two-files/${name}.csv`),
      load(`same-rows-two-files/${name}.jsonl`),
    ]);
    expect(csv.digest, name).toBe(jsonl.digest);
    if (name === "alpaca")
      expect(csv.rows.map((row) => contents(row, "user")[0])).toEqual([
        "Translate into German.\n\ngood morning",
        "Translate into German.\n\ngood night",
        "Name a fruit.",
      ]);
    else expect(csv.rows.map((row) => contents(row, "assistant")[0])).toEqual(["card_swallowed", "phone_lost", "fees"]);
  }
});

test("question-repeated: one question, the system line before it, and the two answers", async () => {
  const answers = {
    chosen: [{ role: "assistant", content: "Madrid" }],
    rejected: [{ role: "assistant", content: "Barcelona" }],
  };
  const user = { role: "user", content: "Capital of Spain?" };
  expect((await load("question-repeated/pairs.jsonl")).rows).toEqual([
    { prompt: [{ role: "system", content: "You know geography." }, user], ...answers },
  ]);
  expect((await load("question-repeated/control.jsonl")).rows).toEqual([{ prompt: [user], ...answers }]);
});

test("controls ask nothing of a person", async () => {
  for (const name of [
    "context-columns/control.csv",
    "marks-of-dislike/control.jsonl",
    "question-repeated/control.jsonl",
  ]) {
    const { unusedFields } = await inspectFile(join(cases, name), { fileName: name });
    expect(
      unusedFields.filter(({ content }) => content),
      name,
    ).toEqual([]);
  }
});
