import { type DatasetFormat, type FormatGuess, type Phrase, say, told } from "@anneal/contracts";
import { type Fields, isObject } from "./formats/fields.ts";
import { answerPairs } from "./formats/instructions.ts";
import { guessMapping } from "./formats/table-rows.ts";
import type { Head } from "./head.ts";
import type { Limits } from "./limits.ts";
import { printable } from "./outcome.ts";
import { parseJson } from "./source/json-values.ts";
import { splitRecord } from "./source/table.ts";

/** How the bytes are cut into rows, apart from what the rows mean. */
export type Container = "json-lines" | "json-stream" | "table" | "text";
export interface Detection {
  guess: FormatGuess;
  json: "json-lines" | "json-stream"; // used when the format is a JSON one
  delimiter: string; // used when it is csv; tsv has its own
}

const looksAt = 50;

const isMark = (value: unknown) => typeof value === "boolean" || value === 0 || value === 1;

function jsonShape(row: Fields): DatasetFormat | null {
  if (row.preferred_output !== undefined && row.non_preferred_output !== undefined) return "openai-preference";
  if (row.chosen !== undefined && row.rejected !== undefined) return "preference";
  if (row.prompt !== undefined && row.completion !== undefined && isMark(row.label)) return "kto";
  if (Array.isArray(row.messages)) return "openai-messages";
  if (Array.isArray(row.conversations) || Array.isArray(row.conversation)) return "sharegpt";
  if (row.instruction !== undefined && row.output !== undefined) return "alpaca";
  if (answerPairs.some(([q, a]) => row[q] !== undefined && row[a] !== undefined)) return "prompt-completion";
  if (typeof row.text === "string") return "openai-messages";
  return null;
}

const words: Record<DatasetFormat, Phrase> = {
  "openai-messages": say`rows have "messages"`,
  sharegpt: say`rows have "conversations"`,
  alpaca: say`rows have "instruction" and "output"`,
  "prompt-completion": say`rows have a question and an answer`,
  preference: say`rows have "chosen" and "rejected"`,
  "openai-preference": say`rows have "preferred_output" and "non_preferred_output"`,
  kto: say`rows have "prompt", "completion" and a "label" of true or false`,
  csv: say`a heading and rows of the same width, parted by commas`,
  tsv: say`a heading and rows of the same width, parted by tabs`,
  "plain-text": say`text without a table's or JSON's marks`,
};

// Whole objects near the beginning of an array or a stream of objects, cut out by their brackets.
function sampleObjects(text: string, cap: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  let inString = false;
  for (let i = 0; i < text.length && found.length < looksAt; i++) {
    const c = text[i];
    if (inString) {
      if (c === "\\") i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "{") {
      if (depth++ === 0) from = i;
      if (depth > cap) return found;
    } else if (c === "}" && depth > 0 && --depth === 0) found.push(text.slice(from, i + 1));
  }
  return found;
}

function jsonGuess(rows: unknown[], form: Phrase): FormatGuess {
  const votes = new Map<DatasetFormat, number>();
  const objects = rows.filter(isObject);
  for (const row of objects) {
    const shape = jsonShape(row);
    if (shape) votes.set(shape, (votes.get(shape) ?? 0) + 1);
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  const columns = [...new Set(objects.flatMap((row) => Object.keys(row).slice(0, 50)))].slice(0, 50).map(printable);
  if (!best)
    return {
      format: "openai-messages",
      confidence: 0.2,
      ...told({
        reason: say`${form}, but no row has the keys of a known format (found: ${columns.slice(0, 8).join(", ") || say`none`})`,
      }),
      columns,
    };
  const [format, count] = best;
  const what =
    format === "openai-messages" && !objects.some((row) => row.messages) ? say`rows have "text"` : words[format];
  return {
    format,
    confidence: Math.round((count / Math.max(1, rows.length)) * 100) / 100,
    ...told({ reason: say`${form}; ${what} (${count} of the first ${rows.length})` }),
    columns,
  };
}

const firstKeys: Record<string, DatasetFormat> = {
  messages: "openai-messages",
  text: "openai-messages",
  conversations: "sharegpt",
  conversation: "sharegpt",
  instruction: "alpaca",
  chosen: "preference",
  rejected: "preference",
  preferred_output: "openai-preference",
  non_preferred_output: "openai-preference",
  ...Object.fromEntries(answerPairs.map(([question]) => [question, "prompt-completion"])),
};

/** A first row so long that only its beginning is at hand speaks by its first key. */
function guessByFirstKey(start: string): FormatGuess | null {
  const key = /^\[?\s*\{\s*"([a-z_]{1,32})"\s*:/.exec(start)?.[1];
  const format = key && Object.hasOwn(firstKeys, key) ? firstKeys[key] : undefined;
  if (!key || !format) return null;
  return {
    format,
    confidence: 0.6,
    ...told({ reason: say`JSON whose first row is very long and begins with "${key}"` }),
    columns: [key],
  };
}

function tableGuess(lines: string[], delimiter: string, fileName: string, limits: Limits): FormatGuess | null {
  const split = (line: string) => splitRecord(line, delimiter, limits.columns);
  const heading = split(lines[0] ?? "");
  if (!Array.isArray(heading) || heading.length < 2) return null;
  const rest = lines.slice(1, looksAt);
  // Lines with an odd number of quotes are parts of longer records and say nothing.
  const plain = rest.filter((line) => line !== "" && (line.match(/"/g)?.length ?? 0) % 2 === 0);
  const even = plain.filter((line) => {
    const fields = split(line);
    return Array.isArray(fields) && fields.length === heading.length;
  }).length;
  const share = plain.length === 0 ? 0.5 : even / plain.length;
  const format = delimiter === "\t" ? "tsv" : "csv";
  const named = new RegExp(`\\.(${format}|tab)$`, "i").test(fileName);
  const known = guessMapping(heading)?.sure === true;
  const confidence = Math.min(1, share * 0.6 + (named ? 0.25 : 0) + (known ? 0.25 : 0));
  if (share < 0.5 && !named) return null;
  const what = delimiter === ";" ? say`a heading and rows of the same width, parted by semicolons` : words[format];
  const counted = say`${what} (${even} of the first ${plain.length})`;
  return {
    format,
    confidence: Math.round(confidence * 100) / 100,
    ...told({ reason: known ? say`${counted}; the heading names question and answer` : counted }),
    columns: heading.map(printable),
  };
}

/** The format that the beginning of a file speaks for, how sure, and why. A person may override it. */
export function detect(head: Head, fileName: string, limits: Limits): Detection {
  const { text } = head;
  const start = text.trimStart();
  const lines = text.split(/\r?\n/);
  const json = start[0] === "[" || start[0] === "{" ? jsonForm(start, lines, limits) : "json-lines";
  const candidates = [",", ";", "\t"]
    .map((delimiter) => ({ delimiter, guess: tableGuess(lines, delimiter, fileName, limits) }))
    .filter((c): c is { delimiter: string; guess: FormatGuess } => c.guess !== null)
    .sort((a, b) => b.guess.confidence - a.guess.confidence || b.guess.columns.length - a.guess.columns.length);
  const delimiter = candidates.find((c) => c.guess.format === "csv")?.delimiter ?? ",";
  if (start[0] === "{" || start[0] === "[") {
    const samples =
      json === "json-lines"
        ? lines.filter((line) => line.trim() !== "").slice(0, looksAt)
        : sampleObjects(start, limits.jsonDepth);
    const rows = samples
      .map((line) => parseJson(0, line, limits.jsonDepth))
      .filter(({ refusal }) => refusal === null)
      .map(({ value }) => value);
    const form =
      json === "json-lines"
        ? say`one JSON object per line`
        : start[0] === "["
          ? say`one JSON array`
          : say`JSON objects over several lines`;
    const byKey = rows.some(isObject) || head.whole ? null : guessByFirstKey(start);
    if (byKey) return { guess: byKey, json, delimiter };
    if (rows.some(isObject) || /\.jsonl?$/i.test(fileName)) return { guess: jsonGuess(rows, form), json, delimiter };
  }
  const [table] = candidates;
  const isText = /\.(txt|md|text)$/i.test(fileName);
  if (table && !(isText && table.guess.confidence < 0.8)) return { guess: table.guess, json, delimiter };
  return {
    guess: {
      format: "plain-text",
      confidence: isText ? 0.95 : 0.5,
      ...told({ reason: say`${words["plain-text"]}; empty lines part the rows` }),
      columns: [],
    },
    json,
    delimiter,
  };
}

function jsonForm(start: string, lines: string[], limits: Limits): "json-lines" | "json-stream" {
  if (start[0] === "[") return "json-stream";
  const first = lines.find((line) => line.trim() !== "") ?? "";
  // A first line that parses alone (or that the head cuts off) is a line of JSONL.
  if (lines.length === 1 || parseJson(0, first, limits.jsonDepth).refusal === null) return "json-lines";
  // One broken line does not make a stream: the next ones decide.
  const parsed = lines
    .slice(1, 20)
    .filter((line) => parseJson(0, line, limits.jsonDepth).refusal === null && line.trim().startsWith("{"));
  return parsed.length > 0 ? "json-lines" : "json-stream";
}
