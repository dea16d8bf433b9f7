import {
  type BadLine,
  ColumnMapping,
  type DatasetFormat,
  type DatasetRow,
  type FormatGuess,
  type Message,
  ServiceError,
  say,
  type UploadInspection,
} from "@anneal/contracts";
import { type Detection, detect } from "./detect.ts";
import { guessMapping } from "./formats/mapping.ts";
import { readHead } from "./head.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { printable } from "./outcome.ts";
import { readRows } from "./rows.ts";
import { SeenRows } from "./seen-rows.ts";
import { columnKeys } from "./source/cells.ts";
import { splitRecord } from "./source/table.ts";
import { UnusedFields } from "./unused-fields.ts";

export interface InspectOptions {
  fileName: string;
  format?: DatasetFormat;
  mapping?: ColumnMapping;
  leaveOut?: readonly string[]; // fields that a person does not want
  limits?: Partial<Limits>;
  signal?: AbortSignal;
}
export type Inspection = Omit<UploadInspection, "uploadId">;

// A table read as the other kind of table has other columns.
function columnsFor(format: DatasetFormat, head: string, detection: Detection, limits: Limits): string[] {
  if (format !== "csv" && format !== "tsv") return detection.guess.columns;
  const heading = head.split(/\r?\n/, 1)[0] ?? "";
  const fields = splitRecord(heading, format === "tsv" ? "\t" : detection.delimiter, limits.columns);
  return Array.isArray(fields) ? columnKeys(fields.map(printable)) : [];
}

const mappedFormats = new Set<DatasetFormat>(["csv", "tsv", "alpaca", "prompt-completion", "preference", "kto"]);

/** The format that a person's mapping means: a worse answer makes pairs, a mark makes marked answers. */
function mappedFormat(mapping: ColumnMapping, wanted: DatasetFormat | undefined, detection: Detection): DatasetFormat {
  if (wanted !== undefined && !mappedFormats.has(wanted))
    throw new ServiceError("INVALID_INPUT", say`mapping: ${wanted} names its own fields`, {
      field: "mapping",
      remedy: say`leave out the format or the mapping`,
    });
  if (mapping.rejected !== undefined) return "preference";
  if (mapping.mark !== undefined) return "kto";
  if (wanted !== undefined && wanted !== "preference" && wanted !== "kto") return wanted;
  if (detection.container === "table") return detection.delimiter === "\t" ? "tsv" : "csv";
  return "prompt-completion";
}

function guessedMapping(columns: readonly string[], detection: Detection, leaveOut: ReadonlySet<string>) {
  const seen = columns.filter((column) => !leaveOut.has(column));
  const guessed = guessMapping(seen)?.mapping ?? null;
  return guessed !== null && detection.truths?.includes(guessed.assistant) ? null : guessed;
}

/** Format, columns and mapping that will be used: the person's word, else the guess. */
export async function settle(path: string, o: InspectOptions) {
  const limits = { ...defaultLimits, ...o.limits };
  const head = await readHead(path, o.fileName, limits);
  const leaveOut = new Set(o.leaveOut ?? []);
  const detection = detect(head, o.fileName, limits, leaveOut);
  const given = o.mapping ? ColumnMapping.parse(o.mapping) : null;
  const format = given ? mappedFormat(given, o.format, detection) : (o.format ?? detection.guess.format);
  const columns = columnsFor(format, head.text, detection, limits);
  const isTable = format === "csv" || format === "tsv";
  const mapping = given ?? (isTable ? guessedMapping(columns, detection, leaveOut) : null);
  const guess: FormatGuess = { ...detection.guess, columns };
  const { encoding, bytes } = head;
  return { limits, bytes, encoding, detection, guess, format, mapping, leaveOut };
}

const previewCharacters = 4000;
const previewMessages = 50;

// A look, not the data: twenty rows of megabytes would be no preview.
function shortened(row: DatasetRow): DatasetRow {
  const cut = (text: string) =>
    text.length > previewCharacters ? `${text.slice(0, previewCharacters).replace(/[\ud800-\udbff]$/, "")}…` : text;
  const few = (list: Message[]) =>
    list.slice(0, previewMessages).map(({ reasoning_content: thoughts, ...m }) => ({
      ...m,
      content: cut(m.content),
      ...(thoughts === undefined ? {} : { reasoning_content: cut(thoughts) }),
    }));
  if ("text" in row) return { ...row, text: cut(row.text) };
  if ("messages" in row) return { ...row, messages: few(row.messages) };
  const prompt = few(row.prompt);
  if ("chosen" in row) return { ...row, prompt, chosen: few(row.chosen), rejected: few(row.rejected) };
  return { ...row, prompt, completion: few(row.completion) };
}

/** Reads the whole file once: what it is, how many rows are good, which lines are not and why, and the first rows. */
export async function inspectFile(path: string, o: InspectOptions): Promise<Inspection> {
  const { bytes, guess, ...settled } = await settle(path, o);
  const { limits, format, mapping, leaveOut } = settled;
  const unused = new UnusedFields();
  const badLines: BadLine[] = [];
  const preview: DatasetRow[] = [];
  const seen = new SeenRows();
  let goodRows = 0;
  let badLineCount = 0;
  let duplicateRows = 0;
  for await (const batch of readRows(path, { ...settled, unused, signal: o.signal }))
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
    unusedFields: unused.list(),
    notes: unused.notes(),
    leaveOut: [...leaveOut],
    preview,
  };
}
