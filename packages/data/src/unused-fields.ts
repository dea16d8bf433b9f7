import { inWords, type Note, type Phrase, ServiceError, say, told, type UnusedField } from "@anneal/contracts";
import { type Fields, isObject } from "./formats/fields.ts";
import type { RowLedger } from "./formats/keys.ts";
import { isIdentifierName, normalName } from "./formats/names.ts";
import { printable } from "./outcome.ts";

const exampleCharacters = 160;
const pathCharacters = 100;
const shortCharacters = 200;
const mostPaths = 200;
/** All paths beyond the first 200: keys that are data, for instance. */
export const otherPaths = "*";

const containers = new Set(["meta", "metadata", "extra_info", "info"]);

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === "string" && value.trim() === "") ||
  (Array.isArray(value) && value.every(isEmpty)) ||
  (isObject(value) && Object.values(value).every(isEmpty));

const isShort = (value: unknown): boolean =>
  typeof value === "string"
    ? value.length <= shortCharacters && !value.includes("\n")
    : Array.isArray(value)
      ? value.every(isShort)
      : !isObject(value);

/** Plainly no content: an identifier, a place, a date, under a name for such and short. */
function isHarmless(key: string, value: unknown): boolean {
  const name = normalName(key);
  if (isObject(value)) return containers.has(name) && harmlessWithin(value);
  return isIdentifierName(name) && isShort(value);
}
const harmlessWithin = (values: Fields): boolean =>
  Object.entries(values).every(([key, value]) => isEmpty(value) || isHarmless(key, value));

const keyOf = (path: string) => path.slice(path.lastIndexOf(".") + 1);

function exampleOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return printable(text.length > exampleCharacters ? `${text.slice(0, exampleCharacters)}…` : text);
}

/** What the rows of a file have beyond what is read: each field with the number of rows that fill it and an example. */
export class UnusedFields {
  readonly #found = new Map<string, UnusedField & { lastRow: number }>();
  readonly #notes = new Map<string, Phrase>();
  #rows = 0;

  /** A good row, after it was read. */
  add(row: RowLedger): void {
    this.#rows++;
    for (const words of row.notes) this.#notes.set(inWords(words), words);
    for (const [path, value] of row.left()) if (!isEmpty(value)) this.#note(path, value);
  }

  #note(path: string, value: unknown): void {
    const shown = printable(path.slice(0, pathCharacters)); // cut first: half a pair becomes printable too
    const known = this.#found.has(shown);
    const name = known || this.#found.size < mostPaths ? shown : otherPaths;
    const found = this.#found.get(name) ?? {
      path: name,
      rows: 0,
      example: exampleOf(value),
      content: false,
      lastRow: 0,
    };
    if (!found.content && !isHarmless(keyOf(path), value)) {
      found.content = true;
      found.example = exampleOf(value); // what makes a person think is what should be seen
    }
    if (found.lastRow !== this.#rows) found.rows++;
    found.lastRow = this.#rows;
    this.#found.set(name, found);
  }

  /** What was read otherwise than it is called. */
  notes(): Note[] {
    return [...this.#notes.values()].map((text) => told({ text }));
  }

  /** Content first, what most rows have before what few have. */
  list(): UnusedField[] {
    return [...this.#found.values()]
      .map(({ lastRow: _, ...field }) => field)
      .sort((a, b) => Number(b.content) - Number(a.content) || b.rows - a.rows);
  }
}

const most = 8;
const listed = (names: readonly string[]) =>
  names.length > most ? `${names.slice(0, most).join(", ")}, ...` : names.join(", ");

/** A version is made only of files whose content is read, or left out by a person's word. */
export function refuseUndecided(fields: readonly UnusedField[], leaveOut: readonly string[]): void {
  const decided = new Set(leaveOut);
  const open = fields.filter(({ path, content }) => content && !decided.has(path));
  const [first] = open;
  if (!first) return;
  const names = listed(open.map(({ path }) => path));
  throw new ServiceError(
    "PRECONDITION_FAILED",
    open.length === 1
      ? say`${first.rows} [row uses|rows use] the field ${names}, which is not read (for example: ${first.example})`
      : say`the rows use fields that are not read: ${names} (for example ${first.path}: ${first.example})`,
    {
      field: "leaveOut",
      remedy: say`say what they are (mapping), or leave them out (leaveOut: ${names})`,
      details: { unusedFields: open.map(({ path }) => path) },
    },
  );
}

/** A name that is left out and stands nowhere is a slip of the pen: what was meant would be read. */
export function refuseUnknown(
  fields: readonly UnusedField[],
  leaveOut: readonly string[],
  columns: readonly string[],
): void {
  const there = new Set([...fields.map(({ path }) => path), ...columns, otherPaths]);
  const unknown = leaveOut.find((path) => !there.has(path));
  if (unknown === undefined) return;
  throw new ServiceError("INVALID_INPUT", say`leaveOut: no row fills a field "${printable(unknown)}"`, {
    field: "leaveOut",
    remedy:
      fields.length > 0
        ? say`choose from: ${listed(fields.map(({ path }) => path))}`
        : say`remove it: all fields are read`,
  });
}
