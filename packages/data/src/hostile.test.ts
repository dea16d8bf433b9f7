import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { inspectFile } from "./inspect.ts";
import type { Limits } from "./limits.ts";

const folder = mkdtempSync(join(tmpdir(), "anneal-hostile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function inspect(fileName: string, content: string | Buffer, limits: Partial<Limits> = {}) {
  const path = join(folder, fileName);
  writeFileSync(path, content);
  return inspectFile(path, { fileName, limits });
}
const row = '{"prompt":"a","completion":"b"}';

test("a line above the cap is skipped without being held, in every container", async () => {
  const long = "x".repeat(5000);
  const limits = { lineBytes: 1000 };
  const jsonl = await inspect("l.jsonl", `${row}\n{"prompt":"${long}","completion":"b"}\n${row}\n`, limits);
  expect(jsonl).toMatchObject({
    goodRows: 2,
    badLineCount: 1,
    badLines: [{ line: 2, cause: expect.stringContaining("longer") }],
  });
  const array = await inspect("l.json", `[${row},\n{"prompt":"${long}","completion":"b"},\n${row}]`, limits);
  expect(array).toMatchObject({ goodRows: 2, badLineCount: 1, badLines: [{ line: 2 }] });
  const csv = await inspect("l.csv", `text,category\na,b\n${long},c\nd,e\n`, limits);
  expect(csv).toMatchObject({ goodRows: 2, badLineCount: 1, badLines: [{ line: 3 }] });
  // Negative control: with room for it the same line is good.
  expect((await inspect("l.jsonl", `${row}\n{"prompt":"${long}","completion":"b"}\n`)).goodRows).toBe(2);
});

test("300 MB in one line take little memory", async () => {
  const path = join(folder, "huge.jsonl");
  const out = createWriteStream(path);
  out.write(`${row}\n{"prompt":"`);
  const piece = "z".repeat(1 << 20);
  for (let i = 0; i < 300; i++) if (!out.write(piece)) await once(out, "drain");
  out.end(`","completion":"b"}\n${row}\n`);
  await once(out, "finish");
  let peak = 0;
  const before = process.memoryUsage().rss;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
  const found = await inspectFile(path, { fileName: "huge.jsonl" });
  clearInterval(timer);
  expect(found).toMatchObject({ goodRows: 2, badLineCount: 1 });
  expect(peak - before).toBeLessThan(150 * 1024 ** 2);
});

test("a quote that never closes before 200,000 empty lines gathers few of them", async () => {
  const found = await inspect("flood.csv", `text,category\n"open,${"\n".repeat(200_000)}a,b\n`);
  expect(found).toMatchObject({ goodRows: 1, badLines: [{ line: 2, cause: expect.stringContaining("longer") }] });
});

test("deep brackets are refused before they are parsed", async () => {
  const deep = `{"prompt":${"[".repeat(60_000)}${"]".repeat(60_000)},"completion":"b"}`;
  const found = await inspect("deep.jsonl", `${row}\n${deep}\n${row}\n`);
  expect(found).toMatchObject({ goodRows: 2, badLines: [{ line: 2, cause: expect.stringContaining("deeper") }] });
  const array = await inspect("deep.json", `[${row},${deep},${row}]`);
  expect(array).toMatchObject({ goodRows: 2, badLineCount: 1 });
  const brackets = await inspect("text.jsonl", `{"prompt":"${"[".repeat(5000)}","completion":"b"}\n`);
  expect(brackets.goodRows).toBe(1); // brackets inside a text are text
});

test("NUL, halves of surrogate pairs and broken UTF-8 are bad lines that can be shown", async () => {
  const found = await inspect(
    "n.jsonl",
    Buffer.concat([
      Buffer.from(`${row}\n{"prompt":"a\\u0000","completion":"b"}\n{"prompt":"a\\ud800","completion":"b"}\n`),
      Buffer.from('{"prompt":"'),
      Buffer.from([0xff, 0xc0, 0x80]),
      Buffer.from(`","completion":"b"}\nraw\0nul\n${row}\n`),
    ]),
  );
  expect(found.goodRows).toBe(2);
  expect(found.badLines.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
  expect(found.badLines.map(({ cause }) => cause).join()).toMatch(/NUL.*surrogate.*UTF-8/s);
  // No database would take them either, in whatever part of the report they stand.
  for (const { cause, excerpt, phrases } of found.badLines) {
    expect(cause + excerpt).not.toMatch(/\p{Cc}|\p{Cs}/u);
    expect(JSON.stringify(phrases?.cause)).not.toMatch(/\\u0000|\\ud8/);
  }
  const csv = await inspect("n.csv", "text,category\na\0b,c\nd,e\n");
  expect(csv).toMatchObject({ goodRows: 1, badLines: [{ line: 2 }] });
});

test("binary files are refused with what to do", async () => {
  await expect(inspect("a.jsonl", gzipSync(row.repeat(100)))).rejects.toMatchObject({
    problem: { remedy: expect.stringContaining("gunzip") },
  });
  await expect(inspect("a.xlsx", Buffer.from("PK\x03\x04rest"))).rejects.toMatchObject({
    problem: { message: expect.stringContaining("zip or Excel") },
  });
  await expect(inspect("elf.jsonl", Buffer.from("\x7fELF\x02\x01\x01 and more\n"))).rejects.toMatchObject({
    problem: { message: expect.stringContaining("a program") },
  });
  await expect(inspect("page.jsonl", "<!DOCTYPE html>\n<html>Sign in</html>\n")).rejects.toMatchObject({
    problem: { message: expect.stringContaining("web page") },
  });
  await expect(inspect("bin.txt", Buffer.alloc(5000))).rejects.toMatchObject({ problem: { code: "INVALID_INPUT" } });
  await expect(inspect("empty.csv", "")).rejects.toMatchObject({
    problem: { message: expect.stringContaining("empty") },
  });
});

test("the same small row over and over is counted; too many rows are refused", async () => {
  const text = "a,b\n".repeat(60_000);
  const found = await inspect("r.csv", `text,category\n${text}`);
  expect(found).toMatchObject({ goodRows: 60_000, duplicateRows: 59_999 });
  await expect(inspect("r.csv", `text,category\n${text}`, { rows: 1000 })).rejects.toMatchObject({
    problem: { message: expect.stringContaining("more than 1000 rows") },
  });
});

test("files that are cut off, arrays that are not closed, garbage behind them", async () => {
  const cut = await inspect("cut.json", `[${row},{"prompt":"a","compl`);
  expect(cut).toMatchObject({ goodRows: 1, badLines: [{ cause: expect.stringContaining("ends inside") }] });
  const open = await inspect("open.json", `[${row},${row}`);
  expect(open).toMatchObject({ goodRows: 2, badLines: [{ cause: expect.stringContaining("not closed") }] });
  const behind = await inspect("behind.json", `[${row}] trailing`);
  expect(behind).toMatchObject({ goodRows: 1, badLines: [{ cause: expect.stringContaining("after the end") }] });
  const scalars = await inspect("scalars.json", `[${row}, 17, ${row}]`);
  expect(scalars.goodRows).toBe(1);
  expect(scalars.badLineCount).toBe(1);
});

test("rows named like properties of every object are no trick", async () => {
  const found = await inspect(
    "proto.jsonl",
    `{"__proto__":{"prompt":"x","completion":"y"}}\n{"messages":[{"role":"constructor","content":"a"}]}\n{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n`,
  );
  expect(found).toMatchObject({ goodRows: 1, badLineCount: 2 });
});
