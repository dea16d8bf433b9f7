import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnMapping, DatasetFormat } from "@anneal/contracts";
import { afterAll, describe, expect, test } from "vitest";
import { importVersion } from "./import.ts";
import { inspectFile } from "./inspect.ts";

// Siblings of people's files: other names, shapes and encodings. Nothing of a row may get lost without a word.
const folder = mkdtempSync(join(tmpdir(), "anneal-foreign-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Options {
  format?: DatasetFormat;
  mapping?: ColumnMapping;
  leaveOut?: string[];
}
let files = 0;
function write(fileName: string, content: string | Buffer): string {
  const path = join(folder, `${files++}-${fileName}`);
  writeFileSync(path, content);
  return path;
}
const inspect = (fileName: string, content: string | Buffer, o: Options = {}) =>
  inspectFile(write(fileName, content), { fileName, ...o });
const load = (fileName: string, content: string | Buffer, o: Options = {}) =>
  importVersion(write(fileName, content), { fileName, skipBadLines: false, folder, ...o });
const lines = (...rows: unknown[]) => `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;
const user = (content: string) => ({ role: "user", content });
const assistant = (content: string, more: object = {}) => ({ role: "assistant", content, ...more });
const content = (found: Awaited<ReturnType<typeof inspect>>) =>
  found.unusedFields.filter((field) => field.content).map(({ path }) => path);

describe("columns beside question and answer", () => {
  test.each(["context", "passage", "document", "schema", "knowledge", "background", "text_context", "上下文"])(
    "%s stands before the question, in CSV as in JSONL",
    async (name) => {
      const expected = { messages: [user("the passage\n\nWhy?"), assistant("So.")] };
      const jsonl = await inspect("q.jsonl", lines({ question: "Why?", answer: "So.", [name]: "the passage" }));
      const csv = await inspect("q.csv", `${name},question,answer\nthe passage,Why?,So.\n`);
      expect(jsonl.preview).toEqual([expected]);
      expect(csv.preview).toEqual([expected]);
    },
  );

  test.each(["hint", "topic", "difficulty", "text", "explanation", "rating", "messages_before"])(
    "%s is asked about by name, and recorded when it is left out",
    async (name) => {
      for (const [file, text] of [
        ["q.jsonl", lines({ question: "Why?", answer: "So.", [name]: "some words", id: 7 })],
        ["q.csv", `id,question,answer,${name}\n7,Why?,So.,some words\n`],
      ] as const) {
        const found = await inspect(file, text);
        expect(content(found)).toEqual([name]);
        expect(found.unusedFields[0]).toMatchObject({ rows: 1, example: "some words" });
        await expect(load(file, text)).rejects.toMatchObject({
          problem: {
            code: "PRECONDITION_FAILED",
            field: "leaveOut",
            message: expect.stringContaining(name),
            remedy: expect.stringContaining(name),
          },
        });
        expect((await load(file, text, { leaveOut: [name] })).leftOut).toEqual([name, "id"]);
      }
    },
  );

  test("identifiers are named and taken without a question; long ones under their names are not", async () => {
    const row = { id: "a1", uuid: "b", url: "https://x", created_at: "2026", split: "train", meta: { user_id: 5 } };
    const found = await inspect("q.jsonl", lines({ ...row, prompt: "q", completion: "a" }));
    expect(content(found)).toEqual([]);
    expect(found.unusedFields.map(({ path }) => path).sort()).toEqual(Object.keys(row).sort());
    const long = await inspect("q.jsonl", lines({ prompt: "q", completion: "a", url: "words ".repeat(60) }));
    expect(content(long)).toEqual(["url"]);
    const meta = await inspect("q.jsonl", lines({ prompt: "q", completion: "a", meta: { topic: "law" } }));
    expect(content(meta)).toEqual(["meta"]);
  });

  test("a field that only later rows fill is counted over the whole file", async () => {
    const plain = Array.from({ length: 300 }, (_, i) => ({ prompt: `q${i}`, completion: "a" }));
    const found = await inspect("q.jsonl", lines(...plain, { prompt: "q", completion: "a", label: false }));
    expect(found.unusedFields).toEqual([{ path: "label", rows: 1, example: "false", content: true }]);
  });

  test("a name that no row has cannot be left out", async () => {
    await expect(load("q.csv", "question,answer,hint\nq,a,h\n", { leaveOut: ["hint", "hnit"] })).rejects.toMatchObject({
      problem: { field: "leaveOut", message: expect.stringContaining("hnit") },
    });
  });

  test("what is left out is read as if it were not there", async () => {
    const text = lines({ prompt: "q", completion: "a", label: true, context: "c" });
    const found = await inspect("k.jsonl", text, { leaveOut: ["label", "context"] });
    expect(found).toMatchObject({ format: "prompt-completion", preview: [{ messages: [user("q"), assistant("a")] }] });
  });

  test("Chinese columns are read; fields of JSON rows can be mapped as columns can", async () => {
    const text = "系统,上下文,问题,答案\n简短,材料,为什么,因为\n";
    const rows = [{ messages: [{ role: "system", content: "简短" }, user("材料\n\n为什么"), assistant("因为")] }];
    expect((await inspect("c.csv", text)).preview).toEqual(rows);
    const odd = lines({ frage: "Wo?", antwort: "Hier", hinweis: "Karte" });
    expect(await inspect("o.jsonl", odd)).toMatchObject({
      goodRows: 0,
      badLines: [{ remedy: expect.stringContaining("mapping") }],
    });
    const mapping = { user: "frage", assistant: "antwort", context: ["hinweis"] };
    expect((await inspect("o.jsonl", odd, { mapping })).preview).toEqual([
      { messages: [user("Karte\n\nWo?"), assistant("Hier")] },
    ]);
    expect(content(await inspect("o.jsonl", odd, { mapping: { user: "frage", assistant: "antwort" } }))).toEqual([
      "hinweis",
    ]);
  });
});

describe("keys within messages", () => {
  const chat = (answer: object, more: object = {}) =>
    lines({ messages: [user("q"), { role: "assistant", content: "a", ...answer }], ...more });

  test("thoughts in a field, a part or a column", async () => {
    const thought = [{ messages: [user("q"), assistant("a", { reasoning_content: "hm" })] }];
    for (const name of ["reasoning_content", "thinking", "reasoning", "thought"])
      expect((await inspect("m.jsonl", chat({ [name]: "hm" }))).preview, name).toEqual(thought);
    const parts = [
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "a" },
    ];
    expect((await inspect("m.jsonl", chat({ content: parts }))).preview).toEqual(thought);
    expect((await inspect("m.csv", "Question,Complex_CoT,Response\nq,hm,a\n")).preview).toEqual(thought);
    const turns = [
      { from: "human", value: "q" },
      { from: "gpt", value: "a", thinking: "hm" },
    ];
    expect((await inspect("s.jsonl", lines({ conversations: turns }))).preview).toEqual(thought);
  });

  test("names, declared tools and other keys are asked about by their path", async () => {
    expect(content(await inspect("m.jsonl", chat({ name: "Ada" })))).toEqual(["messages[].name"]);
    expect(content(await inspect("m.jsonl", chat({}, { tools: [{ type: "function" }] })))).toEqual(["tools"]);
    const turns = [
      { from: "human", value: "q", emotion: "sad" },
      { from: "gpt", value: "a" },
    ];
    const found = await inspect("s.jsonl", lines({ conversations: turns, tools: '[{"name":"f"}]' }));
    expect(content(found).sort()).toEqual(["conversations[].emotion", "tools"]);
    // Empty keys of an API's answer say nothing.
    expect(content(await inspect("m.jsonl", chat({ tool_calls: null, refusal: null, annotations: [] })))).toEqual([]);
  });

  test("rows that teach nothing are bad lines with their cause; an unusual role is said", async () => {
    const found = await inspect(
      "m.jsonl",
      lines(
        { messages: [user("q"), assistant("a")] },
        { messages: [user("q")] },
        { messages: [user("q"), assistant("a", { weight: 0 })] },
        { messages: [user("q"), { role: "bot", content: "a" }] },
      ),
    );
    expect(found.goodRows).toBe(2);
    expect(found.badLines.map(({ line, cause }) => `${line}: ${cause}`)).toEqual([
      "2: the row has no answer of the assistant",
      "3: no answer of the row is trained: every weight is 0",
    ]);
    expect(found.notes).toMatchObject([{ text: 'the role "bot" is read as assistant' }]);
  });
});

describe("marks", () => {
  const marked = (name: string, yes: unknown, no: unknown) =>
    lines({ question: "q", answer: "good", [name]: yes }, { question: "r", answer: "bad", [name]: no });

  test.each([
    ["thumbs_up", true, false],
    ["label", 1, 0],
    ["label", "True", "False"],
    ["rating", "up", "down"],
    ["accepted", true, false],
    ["is_good", "yes", "no"],
    ["feedback", "👍", "👎"],
    ["是否好", "是", "否"],
  ])("%s of %s and %s", async (name, yes, no) => {
    const expected = [
      { prompt: [user("q")], completion: [assistant("good")], desirable: true },
      { prompt: [user("r")], completion: [assistant("bad")], desirable: false },
    ];
    expect(await inspect("k.jsonl", marked(name, yes, no))).toMatchObject({ format: "kto", preview: expected });
    const csv = `question,answer,${name}\nq,good,${yes}\nr,bad,${no}\n`;
    expect(await inspect("k.csv", csv)).toMatchObject({ format: "kto", preview: expected, unusedFields: [] });
  });

  test("degrees and classes are no marks: they are asked about", async () => {
    for (const [yes, no] of [
      [5, 1],
      ["greeting", "farewell"],
    ])
      expect(content(await inspect("k.jsonl", marked("label", yes, no)))).toEqual(["label"]);
    expect(content(await inspect("k.jsonl", marked("thumbs_down", false, true)))).toEqual(["thumbs_down"]);
  });

  test("one true label among unusable ones makes them bad lines, never answers to imitate", async () => {
    const rows = [true, "perhaps", null, 2].map((label) => ({ prompt: "q", completion: "a", label }));
    expect(await inspect("k.jsonl", lines(...rows))).toMatchObject({ format: "kto", goodRows: 1, badLineCount: 3 });
  });

  test("true and false are no answers unless a person says so", async () => {
    const jsonl = lines({ text: "q", label: true }, { text: "r", label: false });
    expect(await inspect("b.jsonl", jsonl)).toMatchObject({ goodRows: 0, badLineCount: 2 });
    expect(await inspect("b.csv", "text,label\nq,true\nr,false\n")).toMatchObject({ goodRows: 0, mapping: null });
    const mapping = { user: "text", assistant: "label" };
    const rows = [{ messages: [user("q"), assistant("true")] }, { messages: [user("r"), assistant("false")] }];
    expect((await inspect("b.jsonl", jsonl, { mapping })).preview).toEqual(rows);
    expect((await inspect("b.csv", "text,label\nq,true\nr,false\n", { mapping })).preview).toEqual(rows);
  });

  test("a conversation that is marked ends with the marked answer", async () => {
    const turns = [user("q"), assistant("a"), user("r"), assistant("b")];
    const found = await inspect("k.jsonl", lines({ messages: turns, thumbs_up: false }));
    expect(found.preview).toEqual([
      { prompt: [user("q"), assistant("a"), user("r")], completion: [assistant("b")], desirable: false },
    ]);
  });
});

describe("pairs", () => {
  const pair = { prompt: [user("q")], chosen: [assistant("x")], rejected: [assistant("y")] };

  test("as columns, as instructions with input, as turns, under other names", async () => {
    expect((await inspect("p.csv", "prompt,chosen,rejected\nq,x,y\n")).preview).toEqual([pair]);
    const alpaca = await inspect("p.jsonl", lines({ instruction: "do", input: "it", chosen: "x", rejected: "y" }));
    expect(alpaca.preview).toEqual([{ ...pair, prompt: [user("do\n\nit")] }]);
    const turns = {
      conversations: [{ from: "human", value: "q" }],
      chosen: { from: "gpt", value: "x" },
      rejected: { from: "gpt", value: "y" },
    };
    expect((await inspect("p.jsonl", lines(turns))).preview).toEqual([pair]);
    expect((await inspect("p.jsonl", lines({ question: "q", better: "x", worse: "y" }))).preview).toEqual([pair]);
    const mapping = { user: "q", assistant: "gut", rejected: "schlecht" };
    expect(await inspect("p.csv", "q,gut,schlecht\nq,x,y\n", { mapping })).toMatchObject({
      format: "preference",
      preview: [pair],
    });
  });

  test("conversations that begin with system line, turns and question", async () => {
    const system = { role: "system", content: "S" };
    const before = [system, user("first"), assistant("reply")];
    const whole = (answer: string) => [...before, user("q"), assistant(answer)];
    expect(
      (await inspect("p.jsonl", lines({ prompt: "q", chosen: whole("x"), rejected: whole("y") }))).preview,
    ).toEqual([{ ...pair, prompt: [...before, user("q")] }]);
    const other = [user("another question"), assistant("x")];
    const refused = await inspect(
      "p.jsonl",
      lines(
        { prompt: "q", chosen: other, rejected: other },
        { prompt: "q", chosen: whole("x"), rejected: whole("y").slice(1) },
      ),
    );
    expect(refused.badLines.map(({ cause }) => cause)).toEqual([
      '"chosen" begins with another question than the row asks',
      'what stands before the question in "chosen", "rejected" differs',
    ]);
    const marked = lines({ prompt: "q", completion: [system, user("q"), assistant("x")], label: true });
    expect((await inspect("k.jsonl", marked)).preview).toEqual([
      { prompt: [system, user("q")], completion: [assistant("x")], desirable: true },
    ]);
  });
});

describe("the same rows have one digest in every file", () => {
  const digests = async (...files: [string, string | Buffer][]) =>
    new Set(await Promise.all(files.map(async ([name, text]) => (await load(name, text)).digest)));

  test("context, source, numbers as answers, conversations in cells, one column of text", async () => {
    const line = { context: "c", question: "q", answer: 4, source: "forum" };
    expect(
      await digests(
        ["a.jsonl", lines(line)],
        ["a.json", JSON.stringify([line])],
        ["a.csv", "source,answer,question,context\nforum,4,q,c\n"],
        ["a.tsv", "context\tquestion\tanswer\tsource\nc\tq\t4\tforum\n"],
        ["a.csv", "question|answer|context|source\nq|4|c|forum\n"],
      ),
    ).toHaveProperty("size", 1);
    const messages = [user("q"), assistant("a")];
    const cell = `"${JSON.stringify(messages).replaceAll('"', '""')}"`;
    expect(await digests(["m.jsonl", lines({ messages })], ["m.csv", `id,messages\n1,${cell}\n`])).toHaveProperty(
      "size",
      1,
    );
    expect(await digests(["t.jsonl", lines({ text: "a" }, { text: "b" })], ["t.csv", "text\na\nb\n"])).toHaveProperty(
      "size",
      1,
    );
  });

  test("in every encoding that a spreadsheet writes", async () => {
    const csv = "问题,答案\n银行卡被吞了怎么办？,请联系客服。\n“费用”是多少,每月五元\n";
    const jsonl = lines(
      { 问题: "银行卡被吞了怎么办？", 答案: "请联系客服。" },
      { 问题: "“费用”是多少", 答案: "每月五元" },
    );
    const wide = (text: string) => Buffer.from(text, "utf16le");
    const gbk = Buffer.from(
      "zsrM4iy08LC4CtL40NC/qLG7zczBy9T1w7Sw7KO/LMfrwarPtb/Nt/6howqhsLfR08OhscrHtuDJ2SzDv9TCzuXUqgo=",
      "base64",
    );
    expect(
      await digests(
        ["u.csv", csv],
        ["u.jsonl", jsonl],
        ["bom.csv", `\u{FEFF}${csv}`],
        ["bom.jsonl", `\u{FEFF}${jsonl}`],
        ["le.csv", wide(`\u{FEFF}${csv}`)],
        ["be.csv", wide(`\u{FEFF}${csv}`).swap16()],
        ["le.jsonl", wide(jsonl)],
        ["be.jsonl", wide(jsonl).swap16()],
        ["g.csv", gbk],
      ),
    ).toHaveProperty("size", 1);
    expect((await inspect("g.csv", gbk)).guess.reason).toContain("GB18030");
  });

  test("a byte that no character of the file's encoding has is named with that encoding", async () => {
    const row = (text: string) => Buffer.concat([Buffer.from("q,"), Buffer.from(text, "hex"), Buffer.from("\n")]);
    const good = row("c4e3bac3cac0bde7");
    const bytes = Buffer.concat([Buffer.from("question,answer\n"), good, good, row("c4e3ff"), good]);
    expect((await inspect("g.csv", bytes)).badLines[0]?.cause).toBe("the line is not valid GB18030");
  });

  test("Latin letters of another encoding are not taken for Chinese: the line is said to be no UTF-8", async () => {
    const latin = Buffer.from("question,answer\nWo ist das Café?,Drüben\nça va?,très bien\n", "latin1");
    const found = await inspect("l.csv", latin);
    expect(found.badLines[0]?.cause).toContain("not valid UTF-8");
    await expect(
      importVersion(write("l.csv", latin), { fileName: "l.csv", skipBadLines: true, folder }),
    ).rejects.toMatchObject({ problem: { message: expect.stringContaining("not valid UTF-8") } });
  });
});

describe("files that are not what their names say", () => {
  const row = '{"prompt":"a","completion":"b"}';

  test("by a data ending nothing is plain text", async () => {
    const comment = await inspect("c.jsonl", `# a comment\n${row}\n${row}\n`);
    expect(comment).toMatchObject({ format: "prompt-completion", goodRows: 2, badLines: [{ line: 1 }] });
    for (const name of ["t.jsonl", "t.json", "t.ndjson"])
      expect(await inspect(name, "just words\n\nand more\n"), name).toMatchObject({
        goodRows: 0,
        guess: { confidence: 0 },
      });
    for (const text of ["just words\nand more\n", "<a|b\nc\n"])
      await expect(load("t.csv", text)).rejects.toMatchObject({ problem: { field: "mapping" } });
    // Negative control: a text file is text.
    expect(await inspect("t.txt", "just words\n\nand more\n")).toMatchObject({ format: "plain-text", goodRows: 2 });
    // A person may still say that it is text.
    expect(await inspect("t.jsonl", "just words\n", { format: "plain-text" })).toMatchObject({ goodRows: 1 });
  });

  test("a header row without rows is sure of nothing and says so", async () => {
    const found = await inspect("h.csv", "question,answer\n");
    expect(found.guess.confidence).toBeLessThan(0.5);
    expect(found.guess.reason).toContain("without data rows");
    await expect(load("h.csv", "question,answer\n")).rejects.toMatchObject({
      problem: { message: expect.stringContaining("no row"), remedy: expect.stringContaining("header row") },
    });
  });

  test("commas without a value between them are said; NULs cost their lines", async () => {
    for (const text of [`[${row},]`, `[,${row}]`, `[${row},,${row}]`])
      expect((await inspect("a.json", text)).badLines[0]?.cause, text).toContain("a comma has no value");
    expect(await inspect("a.json", "[]")).toMatchObject({ badLineCount: 0, goodRows: 0 });
    const nuls = `${`${row.replace("a", "a\0")}\n`.repeat(80)}${`${row}\n`.repeat(80)}`;
    expect(await inspect("n.jsonl", nuls)).toMatchObject({ goodRows: 80, badLineCount: 80 });
    const binary = Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 37 + (i >> 3)) % 256));
    await expect(inspect("b.jsonl", binary)).rejects.toMatchObject({
      problem: { message: expect.stringContaining("binary") },
    });
  });
});
