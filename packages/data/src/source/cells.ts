import { type Fields, isObject } from "../formats/fields.ts";
import { asList } from "../formats/messages.ts";
import { contextNames, normalName } from "../formats/names.ts";
import { parseJson } from "./json-values.ts";

// Columns whose cells other programs fill with JSON: conversations, earlier turns, lists of passages.
const listColumns = new Set([...contextNames, "history"]);

/** A cell as the value it stands for: JSON where it holds messages, or a list in a column for such; else its text. */
export function cellValue(column: string, cell: string, depthCap: number): unknown {
  const first = cell.trimStart()[0];
  if (first !== "[" && first !== "{") return cell;
  const { value, refusal } = parseJson(0, cell, depthCap);
  if (refusal) return cell;
  const turns = asList(value);
  if (turns !== undefined && turns.length > 0 && turns.every(isTurn)) return value;
  if (Array.isArray(value) && value.length > 0 && listColumns.has(normalName(column))) return value;
  return isObject(value) && Array.isArray(value.messages) ? value : cell;
}

const isTurn = (value: unknown) =>
  isObject(value) && (typeof value.role === "string" || typeof value.from === "string");

/** Column names as a row's keys: names that stand twice are told apart. */
export function columnKeys(heading: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return heading.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

export const rowOfCells = (columns: readonly string[], cells: readonly string[], depthCap: number): Fields =>
  Object.fromEntries(columns.map((column, i) => [column, cellValue(column, cells[i] ?? "", depthCap)]));
