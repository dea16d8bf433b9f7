import { type DatasetFormat, type FormatGuess, type Phrase, say, told } from "@anneal/contracts";
import { type Fields, isObject } from "./formats/fields.ts";
import { guessMapping } from "./formats/mapping.ts";
import { holdsTruths } from "./formats/marks.ts";
import { answerNames, normalName, questionNames } from "./formats/names.ts";
import { type Head, isData } from "./head.ts";
import type { Limits } from "./limits.ts";
import { printable } from "./outcome.ts";
import { shapeOfRows, words } from "./shape.ts";
import { columnKeys, rowOfCells } from "./source/cells.ts";
import { parseJson } from "./source/json-values.ts";
import { splitRecord } from "./source/table.ts";

/** How the bytes are cut into rows, apart from what the rows mean. */
export type Container = "json-lines" | "json-stream" | "table" | "text";
export interface Detection {
  guess: FormatGuess;
  container: Container;
  json: "json-lines" | "json-stream"; // used when the format is a JSON one and the file no table
  delimiter: string; // used when it is a table; tsv has its own
  mark?: string; // the column that marks answers as liked or not
  truths?: string[]; // columns of a table that hold only true and false
}

const looksAt = 50;

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

interface Guessed {
  guess: FormatGuess;
  mark?: string;
  truths?: string[];
}
interface Look {
  limits: Limits;
  leaveOut: ReadonlySet<string>;
}

const without = (row: Fields, leaveOut: ReadonlySet<string>): Fields =>
  leaveOut.size === 0 ? row : Object.fromEntries(Object.entries(row).filter(([key]) => !leaveOut.has(key)));

function jsonGuess(rows: unknown[], form: Phrase, leaveOut: ReadonlySet<string>): Guessed {
  const whole = rows.filter(isObject);
  const objects = whole.map((row) => without(row, leaveOut));
  const columns = [...new Set(whole.flatMap((row) => Object.keys(row).slice(0, 50)))].slice(0, 50).map(printable);
  const shape = shapeOfRows(objects);
  if (!shape) {
    const found = columns.slice(0, 8).join(", ") || say`none`;
    const reason = say`${form}, but no row has the keys of a known format (found: ${found})`;
    return {
      guess: { format: "prompt-completion", confidence: 0.2, ...told({ reason }), columns },
    };
  }
  const confidence = Math.round((shape.votes / Math.max(1, rows.length)) * 100) / 100;
  const reason = say`${form}; ${shape.reason} (${shape.votes} of the first ${rows.length})`;
  return { guess: { format: shape.format, confidence, ...told({ reason }), columns }, mark: shape.mark };
}

const firstKeys: Record<string, DatasetFormat> = {
  messages: "openai-messages",
  conversations: "sharegpt",
  conversation: "sharegpt",
  instruction: "alpaca",
  chosen: "preference",
  rejected: "preference",
  preferred_output: "openai-preference",
  non_preferred_output: "openai-preference",
};

/** A first row so long that only its beginning is at hand speaks by its first key. */
function guessByFirstKey(start: string): FormatGuess | null {
  const key = /^\[?\s*\{\s*"([^"\\]{1,32})"\s*:/.exec(start)?.[1];
  if (key === undefined) return null;
  const name = normalName(key);
  const format = Object.hasOwn(firstKeys, name)
    ? firstKeys[name]
    : name === "text"
      ? "openai-messages"
      : [...questionNames, ...answerNames].includes(name)
        ? "prompt-completion"
        : undefined;
  if (format === undefined) return null;
  return {
    format,
    confidence: 0.6,
    ...told({ reason: say`JSON whose first row is very long and begins with "${printable(key)}"` }),
    columns: [printable(key)],
  };
}

const delimiters: Record<string, Phrase> = {
  ",": words.csv,
  ";": say`semicolon-separated with a header row`,
  "\t": words.tsv,
  "|": say`separated by vertical bars, with a header row`,
};

interface Table extends Guessed {
  delimiter: string;
}

function tableGuess(lines: string[], delimiter: string, fileName: string, { limits, leaveOut }: Look): Table | null {
  const split = (line: string) => splitRecord(line, delimiter, limits.columns);
  const heading = split(lines[0] ?? "");
  if (!Array.isArray(heading) || heading.length < 2) return null;
  const rest = lines.slice(1, looksAt);
  // Lines with an odd number of quotes are parts of longer records and say nothing.
  const plain = rest.filter((line) => line !== "" && (line.match(/"/g)?.length ?? 0) % 2 === 0);
  const even = plain
    .map(split)
    .filter((cells): cells is string[] => Array.isArray(cells) && cells.length === heading.length);
  const share = plain.length === 0 ? 0.5 : even.length / plain.length;
  const named = new RegExp(delimiter === "\t" ? "\\.(tsv|tab)$" : "\\.(csv|psv)$", "i").test(fileName);
  if (share < 0.5 && !named) return null;
  if (delimiter === "|" && share < 0.9) return null; // bars are common in text
  const columns = columnKeys(heading.map(printable));
  const rows = even.map((cells) => rowOfCells(columns, cells, limits.jsonDepth));
  const table = { share, named, delimiter, lines: plain.length, leaveOut };
  return { ...meaningOf(columns, rows, table), delimiter };
}

/** What a table's rows are: conversations, pairs and marks under their keys, else question and answer of a mapping. */
function meaningOf(
  columns: string[],
  rows: Fields[],
  table: { share: number; named: boolean; delimiter: string; lines: number; leaveOut: ReadonlySet<string> },
): Guessed {
  const counted = say`${delimiters[table.delimiter] ?? words.csv} (${rows.length} of the first ${table.lines})`;
  const seen = columns.filter((column) => !table.leaveOut.has(column));
  const found = shapeOfRows(rows.map((row) => without(row, table.leaveOut)));
  const isText = found?.format === "openai-messages" && !rows.some(({ messages }) => Array.isArray(messages));
  const shape = found !== null && structuredFormats.has(found.format) && !isText ? found : null;
  const truths = columns.filter((column) => holdsTruths(rows, column));
  const mapping = guessMapping(seen);
  const marks = mapping !== null && truths.includes(mapping.mapping.assistant) ? mapping.mapping.assistant : null;
  const known = shape !== null || (mapping?.sure === true && marks === null);
  const most = table.lines === 0 ? 0.3 : 1;
  const confidence = Math.min(most, table.share * 0.6 + (table.named ? 0.25 : 0) + (known ? 0.25 : 0));
  const reason =
    table.lines === 0
      ? say`a header row without data rows`
      : shape !== null
        ? say`${counted}; ${shape.reason}`
        : marks !== null
          ? say`${counted}; "${marks}" holds only true and false: marks, or answers`
          : known
            ? say`${counted}; columns found for question and answer`
            : counted;
  return {
    guess: {
      format: shape?.format ?? (table.delimiter === "\t" ? "tsv" : "csv"),
      confidence: Math.round(confidence * 100) / 100,
      ...told({ reason }),
      columns,
    },
    mark: shape?.mark,
    truths,
  };
}
const structuredFormats = new Set<DatasetFormat>([
  "openai-messages",
  "sharegpt",
  "preference",
  "openai-preference",
  "kto",
]);

const runningText = ["text", "content", "body", "文本", "内容"];
/** A table of one column that holds running text. */
export const isTextColumn = (columns: readonly string[]): boolean =>
  columns.length === 1 && runningText.includes(normalName(columns[0] ?? ""));

// A file that is named like a table is one, though its heading names one column, or cannot be read.
function namedTable(lines: string[], delimiter: string, limits: Limits): Guessed {
  const heading = splitRecord(lines[0] ?? "", delimiter, limits.columns);
  const columns = Array.isArray(heading) ? columnKeys(heading.map(printable)) : [];
  const text = isTextColumn(columns);
  const reason = text
    ? say`one column of running text`
    : say`its name suggests a table, but its header row does not name two columns`;
  return {
    guess: { format: delimiter === "\t" ? "tsv" : "csv", confidence: text ? 0.8 : 0.1, ...told({ reason }), columns },
  };
}

/** The format that the beginning of a file speaks for, how sure, and why. A person may override it. */
export function detect(head: Head, fileName: string, limits: Limits, leaveOut: ReadonlySet<string>): Detection {
  const found = detectText(head, fileName, { limits, leaveOut });
  if (head.encoding === "utf-8") return found;
  const { reason, phrases, ...guess } = found.guess;
  const read = say`${phrases?.reason ?? reason}; its encoding is ${head.encoding.toUpperCase()}`;
  return { ...found, guess: { ...guess, ...told({ reason: read }) } };
}

function detectText(head: Head, fileName: string, look: Look): Detection {
  const { limits, leaveOut } = look;
  const { text } = head;
  const start = text.trimStart();
  const lines = text.split(/\r?\n/);
  const isJson = start[0] === "[" || start[0] === "{";
  const namedJson = /\.(jsonl?|ndjson)$/i.test(fileName);
  const json = isJson ? jsonForm(start, lines, limits) : "json-lines";
  const tables = Object.keys(delimiters)
    .map((delimiter) => tableGuess(lines, delimiter, fileName, look))
    .filter((table): table is Table => table !== null)
    .sort((a, b) => b.guess.confidence - a.guess.confidence || b.guess.columns.length - a.guess.columns.length);
  const [table] = tables;
  const delimiter = tables.find((one) => one.delimiter !== "\t")?.delimiter ?? ",";
  const asJson = (): Detection | null => {
    const rows = firstValues(json === "json-lines" ? lines : sampleObjects(start, limits.jsonDepth), limits);
    const form =
      json === "json-lines"
        ? say`one JSON object per line`
        : start[0] === "["
          ? say`one JSON array`
          : say`JSON objects over several lines`;
    const byKey = rows.some(isObject) || head.whole ? null : guessByFirstKey(start);
    if (byKey) return { guess: byKey, container: json, json, delimiter };
    if (rows.some(isObject)) return { ...jsonGuess(rows, form, leaveOut), container: json, json, delimiter };
    if (!namedJson) return null;
    const reason = say`it is named like JSON, but no row is a JSON object`;
    const guess: FormatGuess = { format: "openai-messages", confidence: 0, ...told({ reason }), columns: [] };
    return { guess, container: json, json, delimiter };
  };
  const found = isJson || namedJson ? asJson() : null;
  if (found) return found;
  const isText = /\.(txt|md|text)$/i.test(fileName);
  if (table && !(isText && table.guess.confidence < 0.8)) return { ...table, container: "table", json };
  if (isData(fileName)) {
    const own = /\.(tsv|tab)$/i.test(fileName) ? "\t" : ",";
    return { ...namedTable(lines, own, limits), container: "table", json, delimiter: own };
  }
  return {
    guess: {
      format: "plain-text",
      confidence: isText ? 0.95 : 0.5,
      ...told({ reason: say`${words["plain-text"]}; empty lines separate the rows` }),
      columns: [],
    },
    container: "text",
    json,
    delimiter,
  };
}

/** The first values that can be read; broken lines before them say nothing. */
function firstValues(texts: readonly string[], limits: Limits): unknown[] {
  const values: unknown[] = [];
  for (const text of texts) {
    if (values.length === looksAt) break;
    const { value, refusal } =
      text.trim() === "" ? { value: null, refusal: true } : parseJson(0, text, limits.jsonDepth);
    if (refusal === null) values.push(value);
  }
  return values;
}

function jsonForm(start: string, lines: string[], limits: Limits): "json-lines" | "json-stream" {
  if (start[0] === "[") return "json-stream";
  const first = lines.find((line) => line.trim() !== "") ?? "";
  // A first line that parses alone (or that the head cuts off) is a line of JSONL.
  if (lines.length === 1 || parseJson(0, first, limits.jsonDepth).refusal === null) return "json-lines";
  // Broken lines do not make a stream: a whole object in a line of its own does not stand within another.
  return lines.slice(1).some((line) => line.startsWith("{") && parseJson(0, line, limits.jsonDepth).refusal === null)
    ? "json-lines"
    : "json-stream";
}
