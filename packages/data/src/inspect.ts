import {
  type BadLine,
  ColumnMapping,
  type DatasetFormat,
  type DatasetRow,
  type FormatGuess,
  type Message,
  type UploadInspection,
} from "@anneal/contracts";
import { type Detection, detect } from "./detect.ts";
import { guessMapping } from "./formats/table-rows.ts";
import { readHead } from "./head.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { printable } from "./outcome.ts";
import { readRows } from "./rows.ts";
import { SeenRows } from "./seen-rows.ts";
import { splitRecord } from "./source/table.ts";

export interface InspectOptions {
  fileName: string;
  format?: DatasetFormat;
  mapping?: ColumnMapping;
  limits?: Partial<Limits>;
  signal?: AbortSignal;
}
export type Inspection = Omit<UploadInspection, "uploadId">;

// A table read as the other kind of table has other columns.
function columnsFor(format: DatasetFormat, head: string, detection: Detection, limits: Limits): string[] {
  if (format !== "csv" && format !== "tsv") return detection.guess.columns;
  const heading = head.split(/\r?\n/, 1)[0] ?? "";
  const fields = splitRecord(heading, format === "tsv" ? "\t" : detection.delimiter, limits.columns);
  return Array.isArray(fields) ? fields.map(printable) : [];
}

/** Format, columns and mapping that will be used: the person's word, else the guess. */
export async function settle(path: string, o: InspectOptions) {
  const limits = { ...defaultLimits, ...o.limits };
  const head = await readHead(path, o.fileName, limits);
  const detection = detect(head, o.fileName, limits);
  const format = o.format ?? detection.guess.format;
  const columns = columnsFor(format, head.text, detection, limits);
  const isTable = format === "csv" || format === "tsv";
  const mapping = isTable
    ? o.mapping
      ? ColumnMapping.parse(o.mapping)
      : (guessMapping(columns)?.mapping ?? null)
    : null;
  const guess: FormatGuess = { ...detection.guess, columns };
  return { limits, bytes: head.bytes, detection, guess, format, mapping };
}

const previewCharacters = 4000;
const previewMessages = 50;

// A look, not the data: twenty rows of megabytes would be no preview.
function shortened(row: DatasetRow): DatasetRow {
  const cut = (text: string) =>
    text.length > previewCharacters ? `${text.slice(0, previewCharacters).replace(/[\ud800-\udbff]$/, "")}…` : text;
  const few = (list: Message[]) => list.slice(0, previewMessages).map((m) => ({ ...m, content: cut(m.content) }));
  if ("text" in row) return { ...row, text: cut(row.text) };
  if ("messages" in row) return { ...row, messages: few(row.messages) };
  const prompt = few(row.prompt);
  if ("chosen" in row) return { ...row, prompt, chosen: few(row.chosen), rejected: few(row.rejected) };
  return { ...row, prompt, completion: few(row.completion) };
}

/** Reads the whole file once: what it is, how many rows are good, which lines are not and why, and the first rows. */
export async function inspectFile(path: string, o: InspectOptions): Promise<Inspection> {
  const { limits, bytes, detection, guess, format, mapping } = await settle(path, o);
  const badLines: BadLine[] = [];
  const preview: DatasetRow[] = [];
  const seen = new SeenRows();
  let goodRows = 0;
  let badLineCount = 0;
  let duplicateRows = 0;
  for await (const batch of readRows(path, { format, mapping, detection, limits, signal: o.signal }))
    for (const outcome of batch)
      if ("bad" in outcome) {
        badLineCount++;
        if (badLines.length < limits.badLinesKept) badLines.push(outcome.bad);
      } else {
        goodRows++;
        if (seen.add(outcome.canonical)) duplicateRows++;
        if (preview.length < limits.previewRows) preview.push(shortened(outcome.row));
      }
  return {
    fileName: printable(o.fileName),
    bytes,
    guess,
    format,
    mapping,
    goodRows,
    badLines,
    badLineCount,
    duplicateRows,
    preview,
  };
}
