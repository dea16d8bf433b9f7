import {
  type ColumnMapping,
  type DatasetFormat,
  type DatasetRow,
  ServiceError,
  say,
  type Words,
} from "@anneal/contracts";
import { canonicalLine, unstorable } from "./canonical.ts";
import { type Detection, isTextColumn } from "./detect.ts";
import { type Fields, fullText, isObject, isText, kindOf, sourceOf } from "./formats/fields.ts";
import { type FieldFormat, readFields } from "./formats/index.ts";
import { Keys, RowLedger } from "./formats/keys.ts";
import { namedInJson, namedInTable } from "./formats/mapped.ts";
import { missingColumn } from "./formats/mapping.ts";
import type { Limits } from "./limits.ts";
import { badLine, isRefusal, type Outcome, printable, type Refusal, refuse } from "./outcome.ts";
import { columnKeys, rowOfCells } from "./source/cells.ts";
import type { SourceFile } from "./source/encoding.ts";
import { type JsonValue, readJsonLines, readJsonStream } from "./source/json-values.ts";
import { readTable } from "./source/table.ts";
import { readTextBlocks } from "./source/text-blocks.ts";
import type { UnusedFields } from "./unused-fields.ts";

export interface RowsOptions {
  format: DatasetFormat;
  mapping: ColumnMapping | null;
  detection: Detection;
  limits: Limits;
  leaveOut: ReadonlySet<string>; // paths of fields that no reader sees
  unused: UnusedFields; // gathers what good rows have beyond what is read
  signal?: AbortSignal;
  onBytes?: (bytes: number) => void; // of the file, as they are read
}

function toOutcome(line: number, text: string, row: DatasetRow | Refusal): Outcome {
  const refusal = isRefusal(row) ? row : unstorable(row);
  if (refusal) return { bad: badLine(line, refusal, text) };
  return { line, row: row as DatasetRow, canonical: canonicalLine(row as DatasetRow) };
}

/** One row of named fields, whatever file it stood in; what it has beyond what is read goes to the account. */
function fieldsOutcome(
  item: { line: number; text: string },
  values: Fields,
  o: RowsOptions,
  read: (keys: Keys) => DatasetRow | Refusal,
): Outcome {
  const ledger = new RowLedger(o.leaveOut);
  const keys = new Keys(values, ledger);
  const row = read(keys);
  const outcome = toOutcome(item.line, item.text, isRefusal(row) ? row : { ...row, ...sourceOf(keys) });
  if (!("bad" in outcome)) o.unused.add(ledger);
  return outcome;
}

const readerOf = (o: RowsOptions, format: FieldFormat, named: (key: string) => Words) => {
  const options = { cap: o.limits.messages, given: o.mapping !== null, named, mark: o.detection.mark };
  return (keys: Keys) => readFields(format, keys, o.mapping, options);
};

async function* jsonRows(file: SourceFile, o: RowsOptions, format: FieldFormat): AsyncGenerator<Outcome[]> {
  const source = o.detection.json === "json-lines" ? readJsonLines : readJsonStream;
  const read = readerOf(o, format, namedInJson);
  const toRow = (item: JsonValue): Outcome => {
    if (item.refusal) return toOutcome(item.line, item.text, item.refusal);
    if (isObject(item.value)) return fieldsOutcome(item, item.value, o, read);
    const refusal = refuse(say`the row is ${kindOf(item.value)}`, say`write each row as an object in { }`);
    return toOutcome(item.line, item.text, refusal);
  };
  for await (const batch of source(file, o.limits, o.signal)) yield batch.map(toRow);
}

function checkMapping(mapping: ColumnMapping | null, columns: readonly string[]): void {
  const missing = mapping === null ? null : missingColumn(mapping, columns);
  if (!missing) return;
  const field = `mapping.${missing.field}`;
  throw new ServiceError("INVALID_INPUT", say`${field}: ${say`there is no column "${missing.column}"`}`, {
    field,
    remedy: say`choose one of: ${columns.slice(0, 20).join(", ")}`,
  });
}

const readText = (key: string) => (keys: Keys) => {
  const text = fullText(keys.take(key), namedInTable(key));
  return isText(text) ? { text } : text;
};

async function* tableRows(file: SourceFile, o: RowsOptions): AsyncGenerator<Outcome[]> {
  const { format, mapping, limits } = o;
  const delimiter = format === "tsv" ? "\t" : o.detection.delimiter;
  let columns: string[] | null = null;
  let read: ((keys: Keys) => DatasetRow | Refusal) | null = null;
  for await (const batch of readTable(file, { ...limits, delimiter }, o.signal)) {
    const out: Outcome[] = [];
    for (const record of batch) {
      if (columns === null) {
        if (record.refusal) throw badHeading(record.refusal);
        columns = columnKeys(record.fields.map(printable));
        checkMapping(mapping, columns);
        const isMapped = format === "csv" || format === "tsv";
        if (isMapped && mapping === null && isTextColumn(columns)) read = readText(columns[0] as string);
        else if (isMapped && mapping === null)
          return; // without columns chosen there are no rows yet
        else read = readerOf(o, isMapped ? "prompt-completion" : (format as FieldFormat), namedInTable);
      } else if (record.refusal) out.push(toOutcome(record.line, record.text, record.refusal));
      else if (record.fields.length !== columns.length)
        out.push(toOutcome(record.line, record.text, otherWidth(record.fields.length, columns.length)));
      else if (read) out.push(fieldsOutcome(record, rowOfCells(columns, record.fields, limits.jsonDepth), o, read));
    }
    yield out;
  }
}

const otherWidth = (fields: number, columns: number): Refusal =>
  refuse(
    say`the row has ${fields} [field|fields], the header row ${columns}`,
    say`put a field that holds the delimiter or a line break in quotes`,
  );

const badHeading = (refusal: Refusal) =>
  new ServiceError("INVALID_INPUT", say`the header row of the table cannot be read: ${refusal.cause}`, {
    field: "line 1",
    remedy: refusal.remedy,
  });

async function* textRows(file: SourceFile, o: RowsOptions): AsyncGenerator<Outcome[]> {
  for await (const batch of readTextBlocks(file, o.limits, o.signal))
    yield batch.map(({ line, text, refusal }) => toOutcome(line, text, refusal ?? { text }));
}

/** Every row of a file in order: good ones normalised, bad ones with line, cause and remedy. Memory stays bounded. */
export async function* readRows(
  path: string,
  o: RowsOptions & { encoding: SourceFile["encoding"] },
): AsyncGenerator<Outcome[]> {
  let rows = 0;
  const { format } = o;
  const file: SourceFile = { path, encoding: o.encoding, onBytes: o.onBytes };
  const source =
    format === "plain-text"
      ? textRows(file, o)
      : format === "csv" || format === "tsv" || o.detection.container === "table"
        ? tableRows(file, o)
        : jsonRows(file, o, format);
  for await (const batch of source) {
    o.signal?.throwIfAborted();
    rows += batch.length;
    if (rows > o.limits.rows)
      throw new ServiceError("INVALID_INPUT", say`the file has more than ${o.limits.rows} rows`, {
        field: "file",
        remedy: say`split it into several datasets`,
      });
    yield batch;
  }
}
