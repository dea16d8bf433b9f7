import { type ColumnMapping, type DatasetFormat, type DatasetRow, ServiceError, say } from "@anneal/contracts";
import { canonicalLine, unstorable } from "./canonical.ts";
import type { Detection } from "./detect.ts";
import { isObject, kindOf, sourceOf } from "./formats/fields.ts";
import { readAlpaca, readPromptCompletion } from "./formats/instructions.ts";
import { readOpenaiMessages, readSharegpt } from "./formats/messages.ts";
import { readKto, readOpenaiPreference, readPreference } from "./formats/preferences.ts";
import { bindMapping, readTableRow } from "./formats/table-rows.ts";
import type { Limits } from "./limits.ts";
import { badLine, isRefusal, type Outcome, printable, type Refusal, refuse } from "./outcome.ts";
import { type JsonValue, readJsonLines, readJsonStream } from "./source/json-values.ts";
import { readTable } from "./source/table.ts";
import { readTextBlocks } from "./source/text-blocks.ts";

export interface RowsOptions {
  format: DatasetFormat;
  mapping: ColumnMapping | null;
  detection: Detection;
  limits: Limits;
  signal?: AbortSignal;
}

function toOutcome(line: number, text: string, row: DatasetRow | Refusal): Outcome {
  const refusal = isRefusal(row) ? row : unstorable(row);
  if (refusal) return { bad: badLine(line, refusal, text) };
  return { line, row: row as DatasetRow, canonical: canonicalLine(row as DatasetRow) };
}

const jsonReaders = {
  "openai-messages": readOpenaiMessages,
  sharegpt: readSharegpt,
  alpaca: readAlpaca,
  "prompt-completion": readPromptCompletion,
  preference: readPreference,
  "openai-preference": readOpenaiPreference,
  kto: readKto,
} as const;

async function* jsonRows(path: string, o: RowsOptions, format: keyof typeof jsonReaders): AsyncGenerator<Outcome[]> {
  const read = jsonReaders[format];
  const source = o.detection.json === "json-lines" ? readJsonLines : readJsonStream;
  const toRow = ({ value, refusal }: JsonValue): DatasetRow | Refusal => {
    if (refusal) return refusal;
    if (!isObject(value)) return refuse(say`the row is ${kindOf(value)}`, say`write each row as an object in { }`);
    const row = read(value, o.limits.messages);
    return isRefusal(row) ? row : { ...row, ...sourceOf(value) };
  };
  for await (const batch of source(path, o.limits, o.signal))
    yield batch.map((item) => toOutcome(item.line, item.text, toRow(item)));
}

async function* tableRows(path: string, o: RowsOptions): AsyncGenerator<Outcome[]> {
  const delimiter = o.format === "tsv" ? "\t" : o.detection.delimiter;
  let columns: string[] | null = null;
  let bound: ReturnType<typeof bindMapping> | null = null;
  const { mapping } = o;
  if (!mapping) return; // without columns chosen there are no rows yet
  for await (const batch of readTable(path, { ...o.limits, delimiter }, o.signal)) {
    const out: Outcome[] = [];
    for (const record of batch) {
      if (columns === null) {
        if (record.refusal) throw badHeading(record.refusal);
        columns = record.fields.map(printable);
        bound = bindMapping(mapping, columns);
        if (bound.missing)
          throw new ServiceError(
            "INVALID_INPUT",
            say`${`mapping.${bound.missing}`}: ${say`there is no column "${mapping[bound.missing]}"`}`,
            {
              field: `mapping.${bound.missing}`,
              remedy: say`choose one of: ${columns.slice(0, 20).join(", ")}`,
            },
          );
      } else if (bound) {
        const row = record.refusal ?? readTableRow(record.fields, columns, bound, mapping.systemText);
        out.push(toOutcome(record.line, record.text, row));
      }
    }
    yield out;
  }
}

const badHeading = (refusal: Refusal) =>
  new ServiceError("INVALID_INPUT", say`the heading of the table cannot be read: ${refusal.cause}`, {
    field: "line 1",
    remedy: refusal.remedy,
  });

async function* textRows(path: string, o: RowsOptions): AsyncGenerator<Outcome[]> {
  for await (const batch of readTextBlocks(path, o.limits, o.signal))
    yield batch.map(({ line, text, refusal }) => toOutcome(line, text, refusal ?? { text }));
}

/** Every row of a file in order: good ones normalised, bad ones with line, cause and remedy. Memory stays bounded. */
export async function* readRows(path: string, o: RowsOptions): AsyncGenerator<Outcome[]> {
  let rows = 0;
  const source =
    o.format === "csv" || o.format === "tsv"
      ? tableRows(path, o)
      : o.format === "plain-text"
        ? textRows(path, o)
        : jsonRows(path, o, o.format);
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
