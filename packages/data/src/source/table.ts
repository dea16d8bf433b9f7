import { say } from "@anneal/contracts";
import { type Refusal, refuse } from "../outcome.ts";
import type { SourceFile } from "./encoding.ts";
import { type Line, readLines, tooLong } from "./lines.ts";

export interface TableRecord {
  line: number;
  fields: string[];
  text: string;
  refusal: Refusal | null;
}

// What an empty line costs while it is held: a quote that never closes must not gather millions of them.
const lineOverhead = 64;

function quoteCount(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++;
  return count;
}

/** RFC 4180 fields: "" inside quotes is one quote. Quotes in the middle of a bare field are text. */
export function splitRecord(text: string, delimiter: string, maxColumns: number): string[] | Refusal {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (fields.length >= maxColumns) return refuse(say`more than ${maxColumns} columns`, say`check the delimiter`);
    if (text[at] === '"') {
      let field = "";
      let from = at + 1;
      for (;;) {
        const end = text.indexOf('"', from);
        if (end < 0)
          return refuse(say`a quoted field does not end`, say`close it with ", and write a quote inside as ""`);
        field += text.slice(from, end);
        if (text[end + 1] !== '"') {
          at = end + 1;
          break;
        }
        field += '"';
        from = end + 2;
      }
      if (at < text.length && text[at] !== delimiter)
        return refuse(say`there is text after a closing quote`, say`write a quote inside a field as ""`);
      fields.push(field);
    } else {
      const end = text.indexOf(delimiter, at);
      fields.push(end < 0 ? text.slice(at) : text.slice(at, end));
      at = end < 0 ? text.length : end;
    }
    if (at >= text.length) return fields;
    at++; // the delimiter
    if (at === text.length) {
      fields.push("");
      return fields;
    }
  }
}

/**
 * Records of a CSV or TSV. A quoted field may span lines; one that never closes costs only its own line: reading goes on
 * behind it, and no more than the cap is held meanwhile.
 */
export async function* readTable(
  file: SourceFile,
  options: { delimiter: string; lineBytes: number; columns: number },
  signal?: AbortSignal,
): AsyncGenerator<TableRecord[]> {
  const { delimiter, lineBytes, columns } = options;
  // TSV as most programs write it has no quoting of line breaks; a quote that opens no field is text.
  const opens = new RegExp(`(^|${delimiter === "\t" ? "\\t" : delimiter === "|" ? "\\|" : delimiter})"`);
  let pending: Line[] = [];
  let pendingBytes = 0;
  const record = (lines: Line[]): TableRecord => {
    const text = lines.map(({ text, end }, i) => (i < lines.length - 1 ? text + end : text)).join("");
    const line = lines[0]?.line ?? 0;
    const fields = splitRecord(text, delimiter, columns);
    return Array.isArray(fields) ? { line, fields, text, refusal: null } : { line, fields: [], text, refusal: fields };
  };
  function take(line: Line, out: TableRecord[]): void {
    if (pending.length > 0) {
      pending.push(line);
      pendingBytes += line.text.length + lineOverhead;
      if (line.refusal || pendingBytes > lineBytes) giveUp(out, line.refusal ?? tooLong(say`record`, lineBytes));
      else if (quoteCount(line.text) % 2 === 1) {
        const whole = record(pending);
        if (whole.refusal) giveUp(out, whole.refusal);
        else out.push(whole);
        pending = [];
        pendingBytes = 0;
      }
    } else if (line.refusal) out.push({ line: line.line, fields: [], text: line.text, refusal: line.refusal });
    else if (line.text === "") return;
    else if (quoteCount(line.text) % 2 === 1 && opens.test(line.text)) {
      pending = [line];
      pendingBytes = line.text.length + lineOverhead;
    } else out.push(record([line]));
  }
  // The opening line is refused alone and the lines behind it are read again as records of their own.
  function giveUp(out: TableRecord[], refusal: Refusal): void {
    const [opening, ...rest] = pending;
    pending = [];
    pendingBytes = 0;
    if (!opening) return;
    out.push({ line: opening.line, fields: [], text: opening.text, refusal });
    for (const line of rest)
      if (opens.test(line.text) && quoteCount(line.text) % 2 === 1)
        out.push({
          line: line.line,
          fields: [],
          text: line.text,
          refusal: refuse(say`it follows a quoted field that does not end`, say`close the quotes of both records`),
        });
      else if (line.refusal) out.push({ line: line.line, fields: [], text: line.text, refusal: line.refusal });
      else if (line.text !== "") out.push(record([line]));
  }
  for await (const lines of readLines(file, lineBytes, signal)) {
    const out: TableRecord[] = [];
    for (const line of lines) take(line, out);
    yield out;
  }
  if (pending.length > 0) {
    const out: TableRecord[] = [];
    giveUp(out, refuse(say`a quoted field does not end`, say`close it with ", and write a quote inside as ""`));
    yield out;
  }
}
