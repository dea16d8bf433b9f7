import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatasetFormat, DatasetRow } from "@anneal/contracts";
import { afterAll, describe, expect, test } from "vitest";
import { inspectFile } from "./inspect.ts";

const folder = mkdtempSync(join(tmpdir(), "anneal-formats-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function inspect(fileName: string, text: string | Buffer, options: { format?: DatasetFormat } = {}) {
  const path = join(folder, fileName);
  writeFileSync(path, text);
  return inspectFile(path, { fileName, ...options });
}
const chat = (...turns: [DatasetRow & { messages: unknown } extends never ? never : string, string, (0 | 1)?][]) => ({
  messages: turns.map(([role, content, weight]) =>
    weight === undefined ? { role, content } : { role, content, weight },
  ),
});
const turns = (...list: [string, string][]) => list.map(([role, content]) => ({ role, content }));
const pair = (prompt: [string, string][], chosen: string, rejected: string, more: object = {}) => ({
  prompt: turns(...prompt),
  chosen: turns(["assistant", chosen]),
  rejected: turns(["assistant", rejected]),
  ...more,
});
const lines = (...rows: unknown[]) => `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;

const goldens: { name: string; file: string; text: string; format: DatasetFormat; rows: unknown[] }[] = [
  {
    name: "OpenAI messages with weights, parts, tool answers and a developer's line",
    file: "a.jsonl",
    text: lines(
      {
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Hi" },
          { role: "assistant", content: "Hello", weight: 1 },
        ],
      },
      {
        messages: [
          { role: "developer", content: "x" },
          {
            role: "user",
            content: [
              { type: "text", text: "a" },
              { type: "text", text: "b" },
            ],
          },
          { role: "assistant", content: "no", weight: 0 },
          { role: "user", content: "again" },
          { role: "assistant", content: "yes" },
        ],
      },
      {
        messages: [
          { role: "user", content: "sum" },
          { role: "tool", content: "", tool_call_id: "1" },
          { role: "assistant", content: "3" },
        ],
      },
      { text: "just text" },
    ),
    format: "openai-messages",
    rows: [
      chat(["system", "Be brief."], ["user", "Hi"], ["assistant", "Hello", 1]),
      chat(["system", "x"], ["user", "ab"], ["assistant", "no", 0], ["user", "again"], ["assistant", "yes"]),
      chat(["user", "sum"], ["tool", ""], ["assistant", "3"]),
      { text: "just text" },
    ],
  },
  {
    name: "Alpaca as one pretty-printed array, with input, system and history",
    file: "b.json",
    text: JSON.stringify(
      [
        { instruction: "Translate", input: "cat", output: "chat" },
        { instruction: "Say hi", input: "", output: "hi", system: "You greet." },
        { instruction: "And now?", output: "bye", history: [["Hello", "Hi"]] },
      ],
      null,
      2,
    ),
    format: "alpaca",
    rows: [
      chat(["user", "Translate\n\ncat"], ["assistant", "chat"]),
      chat(["system", "You greet."], ["user", "Say hi"], ["assistant", "hi"]),
      chat(["user", "Hello"], ["assistant", "Hi"], ["user", "And now?"], ["assistant", "bye"]),
    ],
  },
  {
    name: "ShareGPT with a system beside the turns",
    file: "c.json",
    text: JSON.stringify([
      {
        system: "S",
        conversations: [
          { from: "human", value: "q" },
          { from: "gpt", value: "a" },
        ],
      },
      {
        conversations: [
          { from: "system", value: "T" },
          { from: "user", value: "q2" },
          { from: "assistant", value: "a2", weight: 0 },
          { from: "user", value: "q3" },
          { from: "assistant", value: "a3" },
        ],
      },
    ]),
    format: "sharegpt",
    rows: [
      chat(["system", "S"], ["user", "q"], ["assistant", "a"]),
      chat(["system", "T"], ["user", "q2"], ["assistant", "a2", 0], ["user", "q3"], ["assistant", "a3"]),
    ],
  },
  {
    name: "prompt and completion, question and answer, lists of messages",
    file: "d.jsonl",
    text: lines(
      { prompt: "2+2?", completion: "4" },
      { question: "Why?", answer: "Because." },
      {
        prompt: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b" },
          { role: "user", content: "c" },
        ],
        completion: [{ role: "assistant", content: "d" }],
      },
    ),
    format: "prompt-completion",
    rows: [
      chat(["user", "2+2?"], ["assistant", "4"]),
      chat(["user", "Why?"], ["assistant", "Because."]),
      chat(["user", "a"], ["assistant", "b", 0], ["user", "c"], ["assistant", "d"]),
    ],
  },
  {
    name: "CSV with BOM, CRLF, quotes, commas and line breaks in quotes",
    file: "e.csv",
    text: '\u{FEFF}text,category\r\n"Hello, ""you""",greeting\r\n"two\r\nlines",other\r\nplain,last',
    format: "csv",
    rows: [
      chat(["user", 'Hello, "you"'], ["assistant", "greeting"]),
      chat(["user", "two\r\nlines"], ["assistant", "other"]),
      chat(["user", "plain"], ["assistant", "last"]),
    ],
  },
  {
    name: "CSV as a European spreadsheet writes it",
    file: "f.csv",
    text: 'question;answer;system\nWo?;Hier, links;Sei kurz.\nWann?;"Um 8; spät";\n',
    format: "csv",
    rows: [
      chat(["system", "Sei kurz."], ["user", "Wo?"], ["assistant", "Hier, links"]),
      chat(["user", "Wann?"], ["assistant", "Um 8; spät"]),
    ],
  },
  {
    name: "TSV",
    file: "g.tsv",
    text: 'user\tassistant\n5" disk\tyes\na,b\tc\n',
    format: "tsv",
    rows: [chat(["user", '5" disk'], ["assistant", "yes"]), chat(["user", "a,b"], ["assistant", "c"])],
  },
  {
    name: "plain text, rows parted by empty lines",
    file: "h.txt",
    text: "One line,\nanother.\n\n\n  \nSecond paragraph.\n",
    format: "plain-text",
    rows: [{ text: "One line,\nanother." }, { text: "Second paragraph." }],
  },
  {
    name: "preference pairs: texts, lists of messages, whole conversations, the question repeated before the answers",
    file: "j.jsonl",
    text: lines(
      { prompt: "Hi", chosen: "Hello!", rejected: "What?", source: "forum" },
      {
        prompt: [
          { role: "system", content: "S" },
          { role: "user", content: "q" },
        ],
        chosen: [{ role: "assistant", content: "good" }],
        rejected: [{ role: "assistant", content: "bad" }],
      },
      {
        messages: [
          { role: "user", content: "a" },
          { role: "assistant", content: "b", weight: 0.5 },
          { role: "user", content: "c" },
        ],
        chosen: "d",
        rejected: "e",
      },
      {
        chosen: [
          { role: "user", content: "same" },
          { role: "assistant", content: "x" },
        ],
        rejected: [
          { role: "user", content: "same" },
          { role: "assistant", content: "y" },
        ],
      },
      {
        prompt: "asked twice",
        system: "T",
        chosen: [
          { role: "user", content: "asked twice" },
          { role: "assistant", content: "x" },
        ],
        rejected: [
          { role: "user", content: "asked twice" },
          { role: "assistant", content: "y" },
        ],
      },
    ),
    format: "preference",
    rows: [
      pair([["user", "Hi"]], "Hello!", "What?", { source: "forum" }),
      pair(
        [
          ["system", "S"],
          ["user", "q"],
        ],
        "good",
        "bad",
      ),
      pair(
        [
          ["user", "a"],
          ["assistant", "b"],
          ["user", "c"],
        ],
        "d",
        "e",
      ),
      pair([["user", "same"]], "x", "y"),
      pair(
        [
          ["system", "T"],
          ["user", "asked twice"],
        ],
        "x",
        "y",
      ),
    ],
  },
  {
    name: "OpenAI's preference format",
    file: "k.jsonl",
    text: lines({
      input: { messages: [{ role: "user", content: "q" }], tools: [], parallel_tool_calls: true },
      preferred_output: [{ role: "assistant", content: "good" }],
      non_preferred_output: [{ role: "assistant", content: [{ type: "text", text: "bad" }] }],
    }),
    format: "openai-preference",
    rows: [pair([["user", "q"]], "good", "bad")],
  },
  {
    name: "answers marked as liked or disliked",
    file: "l.jsonl",
    text: lines(
      { prompt: "q", completion: "a", label: true },
      {
        prompt: [{ role: "user", content: "r" }],
        completion: [{ role: "assistant", content: "b" }],
        label: 0,
        source: "s",
      },
    ),
    format: "kto",
    rows: [
      { prompt: turns(["user", "q"]), completion: turns(["assistant", "a"]), desirable: true },
      { prompt: turns(["user", "r"]), completion: turns(["assistant", "b"]), desirable: false, source: "s" },
    ],
  },
  {
    name: "objects over several lines, one after the other",
    file: "i.json",
    text: '{\n "prompt": "a}",\n "completion": "b"\n}\n{\n "prompt": "c", "completion": "d\\""\n}\n',
    format: "prompt-completion",
    rows: [chat(["user", "a}"], ["assistant", "b"]), chat(["user", "c"], ["assistant", 'd"'])],
  },
];

test.each(goldens)("$name", async ({ file, text, format, rows }) => {
  const found = await inspect(file, text);
  expect(found.guess.format).toBe(format);
  expect(found.guess.confidence).toBeGreaterThan(0.5);
  expect(found.badLines).toEqual([]);
  expect(found.preview).toEqual(rows);
  expect(found.goodRows).toBe(rows.length);
});

describe("bad lines", () => {
  test("each names its line, cause and remedy; good ones around them stay", async () => {
    const found = await inspect(
      "bad.jsonl",
      [
        '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}',
        "{not json}",
        "",
        '{"messages":[{"role":"robot","content":"q"}]}',
        '{"messages":[{"role":"user","content":"  "}]}',
        '{"messages":[{"role":"assistant","content":"a","weight":2}]}',
        '{"messages":[]}',
        '{"messages":[{"role":"system","content":"alone"}]}',
        "[1]",
        '{"messages":[{"role":"assistant","content":null,"tool_calls":[{}]}]}',
        '{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]}',
      ].join("\n"),
    );
    expect(found.goodRows).toBe(2);
    expect(found.badLines.map(({ line }) => line)).toEqual([2, 4, 5, 6, 7, 8, 9, 10]);
    for (const { cause, remedy } of found.badLines) {
      expect(cause).not.toBe("");
      expect(remedy).not.toBe("");
    }
    expect(found.badLines[1]?.cause).toContain('the role of message 1 is "robot"');
    expect(found.badLines[2]?.cause).toContain("the content of message 1 is empty");
  });

  test("preferences without a question, an answer or a difference", async () => {
    const good = { prompt: "q", chosen: "a", rejected: "b" };
    const bad = [
      { chosen: "a", rejected: "b" },
      { ...good, chosen: "" },
      { ...good, rejected: "a" },
      { ...good, prompt: [{ role: "system", content: "alone" }] },
      { ...good, chosen: [{ role: "user", content: "no answer" }] },
      { ...good, chosen: [{ role: "assistant", content: "a", weight: 0.5 }] },
    ];
    const found = await inspect("p.jsonl", lines(good, ...bad), { format: "preference" });
    expect(found.goodRows).toBe(1);
    expect(found.badLines.map(({ line, cause }) => `${line}: ${cause}`)).toEqual([
      '2: "prompt" is missing',
      '3: "chosen" is empty',
      '4: "chosen" and "rejected" are the same answer',
      "5: the row has no question",
      '6: "chosen" holds no message of the assistant',
      '7: message 1 of "chosen" has a weight; an answer that is compared counts as a whole',
    ]);
    const marks = await inspect("m.jsonl", lines({ prompt: "q", completion: "a", label: "maybe" }), { format: "kto" });
    expect(marks.badLines).toMatchObject([{ line: 1, cause: '"label" is a text' }]);
  });

  test("the first 200 are kept, all are counted; duplicates too", async () => {
    const good = '{"prompt":"a","completion":"b"}\n';
    const found = await inspect("many.jsonl", good.repeat(5) + "{\n".repeat(450));
    expect(found).toMatchObject({ goodRows: 5, badLineCount: 450, duplicateRows: 4 });
    expect(found.badLines).toHaveLength(200);
  });

  test("CSV rows of another width and empty cells", async () => {
    const found = await inspect("w.csv", "text,category\na,b\nc\nd,e,f\n ,g\nh,i\n");
    expect(found.goodRows).toBe(2);
    expect(found.badLines.map(({ line }) => line)).toEqual([3, 4, 5]);
    expect(found.badLines[2]?.cause).toContain('column "text" is empty');
  });

  test("a quote that never closes costs its line, not the file", async () => {
    const found = await inspect("q.csv", 'text,category\na,b\n"open,c\nd,e\nf,g\n');
    expect(found.goodRows).toBe(3);
    expect(found.badLines).toMatchObject([{ line: 3, cause: expect.stringContaining("does not end") }]);
  });
});

describe("override and mapping", () => {
  test("a person's format outranks the guess; a mapping names columns and a system line", async () => {
    const path = join(folder, "o.csv");
    writeFileSync(path, "id,frage,antwort\n1,Wo?,Hier\n");
    const guessed = await inspectFile(path, { fileName: "o.csv" });
    expect(guessed).toMatchObject({ mapping: null, goodRows: 0 });
    expect(guessed.guess.columns).toEqual(["id", "frage", "antwort"]);
    const mapping = { user: "frage", assistant: "antwort", systemText: "Kurz." };
    const mapped = await inspectFile(path, { fileName: "o.csv", mapping });
    expect(mapped.preview).toEqual([chat(["system", "Kurz."], ["user", "Wo?"], ["assistant", "Hier"])]);
    const text = await inspectFile(path, { fileName: "o.csv", format: "plain-text" });
    expect(text.preview).toEqual([{ text: "id,frage,antwort\n1,Wo?,Hier" }]);
    await expect(inspectFile(path, { fileName: "o.csv", mapping: { ...mapping, user: "nope" } })).rejects.toMatchObject(
      {
        problem: { field: "mapping.user", remedy: expect.stringContaining("frage") },
      },
    );
  });

  test("the same JSON rows read as another format are bad lines, not a crash", async () => {
    const found = await inspect("x.jsonl", lines({ prompt: "a", completion: "b" }), { format: "sharegpt" });
    expect(found).toMatchObject({ format: "sharegpt", goodRows: 0, badLineCount: 1 });
    expect(found.guess.format).toBe("prompt-completion");
  });
});
