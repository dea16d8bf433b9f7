import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { canonicalLine } from "./canonical.ts";
import { digestOfVersion, importVersion } from "./import.ts";
import { inspectFile } from "./inspect.ts";
import { openVersion } from "./open-version.ts";
import { sqlPath, withDuckDb } from "./parquet.ts";
import { openParquet } from "./parquet-rows.ts";
import { digestsPath, removeVersionFile, versionPath } from "./version-file.ts";

const root = mkdtempSync(join(tmpdir(), "anneal-versions-"));
const folder = join(root, "datasets");
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (name: string, text: string) => {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
};
const load = (path: string, fileName: string, skipBadLines = false) =>
  importVersion(path, { fileName, skipBadLines, folder });

test("rows come back as they were, by page and in one stream; the digest is that of their canonical lines", async () => {
  const rows = [
    {
      messages: [
        { role: "system", content: "quote ' \" \\ \t\n tab" },
        { role: "user", content: "日本語 🎉 \u2028" },
        { role: "assistant", content: "ok", weight: 0 },
        { role: "user", content: "again" },
        { role: "assistant", content: "ok" },
      ],
    },
    { text: "plain\u0001text" },
    {
      messages: [
        { role: "user", content: "x" },
        { role: "tool", content: "" },
        { role: "assistant", content: "null", weight: 1 },
      ],
    },
  ] as const;
  const made = await load(write("a.jsonl", rows.map((row) => JSON.stringify(row)).join("\n")), "a.jsonl");
  const expected = createHash("sha256")
    .update(rows.map((row) => `${JSON.stringify(row)}\n`).join(""))
    .digest("hex");
  expect(made).toMatchObject({ digest: `sha256:${expected}`, rows: 3, badLineCount: 0 });
  expect(made.path).toBe(versionPath(folder, made.digest));
  expect(made.bytes).toBe(statSync(made.path).size);
  expect(await digestOfVersion(made.path)).toMatchObject({ digest: made.digest, rows: 3 });
  const reader = await openVersion(made.path);
  expect(await reader.read(0, 10)).toEqual(rows);
  expect(await reader.read(1, 1)).toEqual([rows[1]]);
  expect(await reader.read(3, 5)).toEqual([]);
  const all = [];
  for await (const row of reader.all()) all.push(canonicalLine(row));
  expect(all).toEqual(rows.map((row) => JSON.stringify(row)));
  await reader.close();
});

test("preferences, marks, sources and fractions of weights come back; files written before there were any open, too", async () => {
  const prompt = [{ role: "user", content: "q" }];
  const pairs = [
    { prompt, chosen: [{ role: "assistant", content: "a" }], rejected: [{ role: "assistant", content: "b" }] },
    {
      prompt,
      chosen: [{ role: "assistant", content: "c" }],
      rejected: [{ role: "assistant", content: "d" }],
      source: "forum",
    },
  ];
  const marked = [
    { prompt, completion: "a", label: true },
    { prompt, completion: "b", label: false, source: "s" },
  ];
  const weighed = [{ messages: [...prompt, { role: "assistant", content: "a", weight: 0.3 }], source: "s" }];
  for (const [name, rows] of Object.entries({ pairs, marked, weighed })) {
    const made = await load(write(`${name}.jsonl`, rows.map((row) => JSON.stringify(row)).join("\n")), `${name}.jsonl`);
    const reader = await openVersion(made.path);
    const read = await reader.read(0, 9);
    await reader.close();
    if (name === "marked")
      expect(read).toEqual([
        { prompt, completion: [{ role: "assistant", content: "a" }], desirable: true },
        { prompt, completion: [{ role: "assistant", content: "b" }], desirable: false, source: "s" },
      ]);
    else expect(read).toEqual(rows);
  }
  const old = join(root, "old.parquet");
  await withDuckDb({ memory: "200MB", threads: 1 }, (connection) =>
    connection.run(
      `copy (select 0::bigint as row, [{role: 'user', content: 'x', weight: 1::tinyint}] as messages, null::varchar as text)
       to ${sqlPath(old)} (format parquet)`,
    ),
  );
  const reader = await openParquet(old);
  expect(await reader.read(0, 9)).toEqual([{ messages: [{ role: "user", content: "x", weight: 1 }] }]);
  await reader.close();
});

test("thoughts in a field of their own are kept; a row without them has the digest that it always had", async () => {
  const question = { role: "user", content: "17*24?" };
  const rows = ["reasoning_content", "thinking", "reasoning", "thought"].map((key) => ({
    messages: [question, { role: "assistant", content: "408", [key]: "17*20=340" }],
  }));
  const made = await load(write("thoughts.jsonl", rows.map((row) => JSON.stringify(row)).join("\n")), "thoughts.jsonl");
  const reader = await openVersion(made.path);
  const read = await reader.read(0, 9);
  await reader.close();
  const kept = { messages: [question, { role: "assistant", content: "408", reasoning_content: "17*20=340" }] };
  expect(read).toEqual([kept, kept, kept, kept]);
  const plain = '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}';
  const digest = createHash("sha256").update(`${plain}\n`).digest("hex");
  expect((await load(write("plain.jsonl", plain), "plain.jsonl")).digest).toBe(`sha256:${digest}`);
});

test("the same rows from another kind of file are the same version; nothing is left lying about", async () => {
  const csv = await load(write("s.csv", "text,category\na,b\nc,d\n"), "s.csv");
  const before = statSync(csv.path);
  const jsonl = await load(
    write("s.jsonl", '{"prompt":"a","completion":"b"}\n{"prompt":"c","completion":"d"}\n'),
    "s.jsonl",
  );
  expect(jsonl).toMatchObject({ digest: csv.digest, path: csv.path, bytes: csv.bytes });
  expect(statSync(csv.path).mtimeMs).toBe(before.mtimeMs); // immutable: not written again
  const other = await load(write("t.csv", "text,category\nc,d\na,b\n"), "t.csv");
  expect(other.digest).not.toBe(csv.digest); // the order of rows is part of what they are
  expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
});

test("a damaged file is refused by name, and the same rows imported again mend it", async () => {
  const rows = Array.from(
    { length: 2500 },
    (_, i) => `{"prompt":"question ${i}","completion":"answer ${i * 7}"}\n`,
  ).join("");
  const from = write("whole.jsonl", rows);
  const made = await load(from, "whole.jsonl");
  const read = async () => {
    const reader = await openVersion(made.path);
    try {
      let count = 0;
      for await (const _ of reader.all()) count++;
      return [await reader.read(1020, 10), await reader.read(2495, 100), count];
    } finally {
      await reader.close();
    }
  };
  const before = await read();
  expect(before[0]).toHaveLength(10);
  expect(before[1]).toHaveLength(5);
  expect(before[2]).toBe(2500);
  const bytes = readFileSync(made.path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
  writeFileSync(made.path, bytes);
  await expect(read()).rejects.toMatchObject({
    problem: {
      code: "CONFLICT",
      message: expect.stringContaining(made.path),
      remedy: expect.stringContaining("again"),
    },
  });
  expect(await load(from, "whole.jsonl")).toMatchObject({ digest: made.digest, path: made.path });
  expect(await read()).toEqual(before);
  // A version of an older Anneal has no note: its rows are proven by the version's own digest, and the note is made.
  rmSync(digestsPath(made.path));
  writeFileSync(made.path, readFileSync(made.path)); // another file under its name: not known from before
  expect(await read()).toEqual(before);
  expect(existsSync(digestsPath(made.path))).toBe(true);
  rmSync(digestsPath(made.path));
  writeFileSync(made.path, bytes);
  await expect(read()).rejects.toMatchObject({ problem: { code: "CONFLICT" } });
  await removeVersionFile(made.path);
  expect([existsSync(made.path), existsSync(digestsPath(made.path))]).toEqual([false, false]);
});

test("bad lines stop an import unless it is told to go on", async () => {
  const path = write("b.jsonl", '{"prompt":"a","completion":"b"}\n{broken\n');
  await expect(load(path, "b.jsonl")).rejects.toMatchObject({
    problem: { code: "PRECONDITION_FAILED", field: "line 2", remedy: expect.stringContaining("skipBadLines") },
  });
  expect(await load(path, "b.jsonl", true)).toMatchObject({ rows: 1, badLineCount: 1 });
  await expect(load(write("none.jsonl", "{broken\n"), "none.jsonl", true)).rejects.toMatchObject({
    problem: { message: expect.stringContaining("no good row") },
  });
  await expect(load(write("m.csv", "x,y,z\n1,2,3\n"), "m.csv")).rejects.toMatchObject({
    problem: { field: "mapping" },
  });
  expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
});

test("a damaged file is noticed, and a digest cannot name a path", async () => {
  const made = await load(write("d.csv", "text,category\none,two\nthree,four\n"), "d.csv");
  expect(() => versionPath(folder, "sha256:../../etc/passwd")).toThrow("no digest");
  const broken = join(root, "broken.parquet");
  writeFileSync(broken, "PAR1 not really PAR1");
  await expect(openVersion(broken)).rejects.toMatchObject({ problem: { code: "UNAVAILABLE" } });
  await expect(openVersion(join(root, "missing.parquet"))).rejects.toMatchObject({ problem: { code: "UNAVAILABLE" } });
  expect(existsSync(made.path)).toBe(true);
  const odd = join(root, "odd[1]");
  mkdirSync(odd);
  await expect(
    importVersion(write("e.csv", "text,category\na,b\n"), { fileName: "e.csv", skipBadLines: false, folder: odd }),
  ).rejects.toMatchObject({ problem: { field: "ANNEAL_HOME" } });
});

test("rows of a megabyte: known by their first key, shortened in the preview, whole in the version", async () => {
  const long = (i: number) => `${i} ${"words and more words ".repeat(50_000)}`;
  const text = Array.from({ length: 12 }, (_, i) => JSON.stringify({ prompt: long(i), completion: `c${i}` })).join(
    "\n",
  );
  const path = write("long.jsonl", text);
  const seen = await inspectFile(path, { fileName: "long.jsonl" });
  expect(seen).toMatchObject({ format: "prompt-completion", goodRows: 12, badLineCount: 0 });
  expect(JSON.stringify(seen.preview).length).toBeLessThan(100_000);
  const made = await load(path, "long.jsonl");
  const reader = await openVersion(made.path);
  expect(await reader.read(11, 1)).toMatchObject([{ messages: [{ content: long(11) }, { content: "c11" }] }]);
  await reader.close();
});

test("200,000 rows go in and out in bounded memory, and a page from the middle is quick", async () => {
  const path = join(root, "large.jsonl");
  const out = createWriteStream(path);
  const filler = "lorem ipsum dolor sit amet ".repeat(4);
  for (let i = 0; i < 200_000; i++) {
    const row = {
      messages: [
        { role: "user", content: `question ${i} ${filler}` },
        { role: "assistant", content: `answer ${i}` },
      ],
    };
    if (!out.write(`${JSON.stringify(row)}\n`)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
  const made = await load(path, "large.jsonl");
  clearInterval(timer);
  expect(made.rows).toBe(200_000);
  expect(peak - before).toBeLessThan(700 * 1024 ** 2);
  const reader = await openVersion(made.path);
  const [row] = await reader.read(123_456, 1);
  expect(row).toMatchObject({ messages: [{}, { content: "answer 123456" }] });
  await reader.close();
});
