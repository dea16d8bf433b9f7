import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BadLine, ServiceError, say, type Words, wordsOf } from "@anneal/contracts";
import { inspectFile } from "@anneal/data";
import type { Corpus, MalformedCase } from "./corpus.ts";

/** A bad line of a dataset, thrown so that it counts as a refusal like any other. */
export class BadLineFound extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly words: Words;
  constructor(bad: BadLine) {
    super(bad.cause);
    this.code = `line ${bad.line}`;
    this.remedy = bad.remedy;
    this.words = wordsOf(bad, "cause");
  }
}

const good = JSON.stringify({
  messages: [
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
  ],
});
const file = (name: string, fileName: string, code: string, says: string, content: string | Buffer): MalformedCase => ({
  name,
  code,
  says,
  write: (dir) => writeFileSync(join(dir, fileName), content),
});
/** A line between two good ones. */
const line = (name: string, says: string, row: unknown): MalformedCase =>
  file(
    name,
    "rows.jsonl",
    "line 2",
    says,
    `${good}\n${typeof row === "string" ? row : JSON.stringify(row)}\n${good}\n`,
  );
const messages = (...list: unknown[]) => ({ messages: list });
const user = { role: "user", content: "a" };

export const datasetCorpus: Corpus = {
  reader: "dataset",
  whole: (dir) => writeFileSync(join(dir, "rows.jsonl"), `${good}\n${good}\n`),
  read: async (dir) => {
    const [fileName = ""] = readdirSync(dir);
    const found = await inspectFile(join(dir, fileName), { fileName });
    const [first] = found.badLines;
    if (first) throw new BadLineFound(first);
    if (found.goodRows === 0) throw new ServiceError("INVALID_INPUT", say`${fileName} has no rows`, { remedy: "none" });
  },
  cases: [
    line("a line that is no JSON", "not valid JSON", '{"messages": ['),
    line("a line with single quotes", "not valid JSON", "{'messages': []}"),
    line("a number for a row", "the row is 17", "17"),
    line("a list for a row", "the row is a list", "[]"),
    line("a row without messages", '"messages" is missing', { text2: "a" }),
    line("an empty list of messages", '"messages" is an empty list', messages()),
    line("messages in an object", '"messages" is an object', { messages: { role: "user" } }),
    line("a message that is a text", "message 1 is a text", messages("hello")),
    line("a message without a role", "the role of message 1 is missing", messages({ content: "a" })),
    line("a role nobody has", 'the role of message 1 is "narrator"', messages({ role: "narrator", content: "a" })),
    line(
      "a role named like a property of every object",
      "the role of message 1 is",
      messages({ role: "constructor", content: "a" }),
    ),
    line("a call of a tool", "calls a tool", messages(user, { role: "assistant", content: "", tool_calls: [{}] })),
    line(
      "an answer without text",
      "the content of message 2 is null",
      messages(user, { role: "assistant", content: null }),
    ),
    line("an empty answer", "the content of message 2 is empty", messages(user, { role: "assistant", content: " " })),
    line("an image", "of type", messages({ role: "user", content: [{ type: "image_url", image_url: "x" }] })),
    line(
      "a weight of 2",
      "the weight of message 2 is 2",
      messages(user, { role: "assistant", content: "b", weight: 2 }),
    ),
    line("only a system line", "only system lines", messages({ role: "system", content: "a" })),
    line(
      "a NUL in a text",
      "NUL",
      '{"messages":[{"role":"user","content":"a\\u0000"},{"role":"assistant","content":"b"}]}',
    ),
    line(
      "half a surrogate pair",
      "surrogate",
      '{"messages":[{"role":"user","content":"a\\ud800"},{"role":"assistant","content":"b"}]}',
    ),
    line("brackets 60,000 deep", "deeper", `{"messages":${"[".repeat(60_000)}${"]".repeat(60_000)}}`),
    line("a line of 9 MB", "longer", messages({ role: "user", content: "x".repeat(9 << 20) })),
    file(
      "bytes that are no UTF-8",
      "rows.jsonl",
      "line 2",
      "not valid UTF-8",
      Buffer.concat([
        Buffer.from(`${good}\n{"messages":"`),
        Buffer.from([0xff, 0xfe, 0xc0]),
        Buffer.from(`"}\n${good}\n`),
      ]),
    ),
    file("an array cut off", "rows.json", "line 2", "ends inside", `[${good},\n{"messages":[{"role":"us`),
    file("an array that does not close", "rows.json", "line 2", "not closed", `[${good},\n${good}`),
    file("text behind the array", "rows.json", "line 2", "after the end", `[${good}]\nand more`),
    file("no comma between two rows", "rows.json", "line 2", "comma is missing", `[${good}\n${good}]`),
    file(
      "an instruction without its output",
      "rows.jsonl",
      "line 2",
      '"output" is missing',
      '{"instruction":"a","output":"b"}\n{"instruction":"a"}\n',
    ),
    file(
      "a history that is no list of pairs",
      "rows.jsonl",
      "line 2",
      'turn 1 of "history"',
      '{"instruction":"a","output":"b"}\n{"instruction":"a","output":"b","history":[["x"]]}\n',
    ),
    file(
      "a completion that is an object",
      "rows.jsonl",
      "line 2",
      '"completion" is an object',
      '{"prompt":"a","completion":"b"}\n{"prompt":"a","completion":{"text":"b"}}\n',
    ),
    file(
      "two answers that are the same",
      "rows.jsonl",
      "line 2",
      "are the same answer",
      '{"prompt":"a","chosen":"b","rejected":"c"}\n{"prompt":"a","chosen":"b","rejected":"b"}\n',
    ),
    file(
      "a conversation without values",
      "rows.jsonl",
      "line 2",
      "of message 1",
      '{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}\n{"conversations":[{"from":"human"}]}\n',
    ),
    file(
      "a row with a field too many",
      "rows.csv",
      "line 3",
      "has 3 fields, the header row 2",
      "text,category\na,b\nc,d,e\nf,g\n",
    ),
    file("a quote that does not close", "rows.csv", "line 3", "does not end", 'text,category\na,b\n"c,d\n'),
    file("text behind a closing quote", "rows.csv", "line 2", "after a closing quote", 'text,category\n"a"b,c\nd,e\n'),
    file("an empty cell", "rows.csv", "line 2", 'column "category" is empty', "text,category\na,\nb,c\n"),
    file("an empty file", "rows.jsonl", "INVALID_INPUT", "is empty", ""),
    file("a gzip file", "rows.jsonl", "INVALID_INPUT", "is a gzip file", gzipSync(good)),
    file("a sheet of Excel", "rows.xlsx", "INVALID_INPUT", "zip or Excel", Buffer.from("PK\x03\x04rest")),
    file("a Parquet file", "rows.parquet", "INVALID_INPUT", "Parquet", Buffer.from("PAR1rest")),
    file("a program named like rows", "rows.jsonl", "INVALID_INPUT", "a program", Buffer.from("\x7fELF\x02\x01\x01\0")),
    file("a page of sign-in", "rows.jsonl", "INVALID_INPUT", "web page", "<!DOCTYPE html>\n<p>Sign in</p>\n"),
    file("words named like JSON", "rows.jsonl", "line 1", "not valid JSON", "just words\n"),
    file("a comma too many", "rows.json", "line 1", "a comma has no value behind it", `[${good},]`),
    file("a question alone", "rows.jsonl", "line 1", "no answer of the assistant", JSON.stringify(messages(user))),
    file("a file of zeros", "rows.txt", "INVALID_INPUT", "binary data", Buffer.alloc(5000)),
  ],
};
