import type { Budget } from "./budget.ts";
import { concat, emptyText, Traced } from "./traced.ts";
import { Dict, TemplateRefusal, Tuple, typeName, Undefined, type Value } from "./values.ts";

// Python counts code points where JavaScript counts UTF-16 units: positions of all code points, or null where they agree.
function codePoints(value: string): Int32Array | null {
  if (!/[\ud800-\udfff]/.test(value)) return null;
  const starts = new Int32Array(value.length + 1);
  let count = 0;
  let at = 0;
  for (const char of value) {
    starts[count++] = at;
    at += char.length;
  }
  starts[count] = at;
  return starts.subarray(0, count + 1);
}

export const textLength = (value: string): number => {
  const starts = codePoints(value);
  return starts ? starts.length - 1 : value.length;
};

// The number of a code point for a UTF-16 position.
export const codePointIndex = (value: string, position: number): number =>
  position <= 0 ? position : textLength(value.slice(0, position));

export function letters(value: Traced, budget: Budget): Traced[] {
  budget.step(value.length);
  const parts: Traced[] = [];
  let at = 0;
  for (const char of value.text) {
    parts.push(value.slice(at, at + char.length));
    at += char.length;
  }
  return parts;
}

// What a loop or a filter walks over.
export function items(value: Value, budget: Budget): Value[] {
  if (value instanceof Undefined) return [];
  if (value instanceof Traced) return letters(value, budget);
  if (Array.isArray(value)) {
    budget.step(value.length);
    return value;
  }
  if (value instanceof Dict) {
    budget.step(value.size);
    return [...value.keys()].map((key) => value.keyValue(key));
  }
  throw new TemplateRefusal(`a ${typeName(value)} cannot be walked through`);
}

export function lengthOf(value: Value): number {
  if (value instanceof Undefined) return 0;
  if (value instanceof Traced) return textLength(value.text);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Dict) return value.size;
  throw new TemplateRefusal(`a ${typeName(value)} has no length`);
}

export function itemAt(value: Traced | Value[], index: number): Value {
  const count = lengthOf(value);
  const at = index < 0 ? index + count : index;
  if (at < 0 || at >= count) return new Undefined(String(index));
  if (Array.isArray(value)) return value[at] as Value;
  const starts = codePoints(value.text);
  return starts ? value.slice(starts[at] as number, starts[at + 1] as number) : value.slice(at, at + 1);
}

// Python's value[start:stop:step].
export function slice(
  value: Value,
  start: number | null,
  stop: number | null,
  step: number | null,
  budget: Budget,
): Value {
  if (!(value instanceof Traced) && !Array.isArray(value))
    throw new TemplateRefusal(`a ${typeName(value)} cannot be cut into slices`);
  const count = lengthOf(value);
  const by = step ?? 1;
  if (by === 0) throw new TemplateRefusal("a slice has the step 0");
  const clamp = (bound: number | null, fallback: number) => {
    if (bound === null) return fallback;
    const at = bound < 0 ? bound + count : bound;
    return by > 0 ? Math.min(Math.max(at, 0), count) : Math.min(Math.max(at, -1), count - 1);
  };
  const from = clamp(start, by > 0 ? 0 : count - 1);
  const to = clamp(stop, by > 0 ? count : -1);
  if (value instanceof Traced && by === 1) {
    budget.make(Math.max(0, to - from));
    const starts = codePoints(value.text);
    if (to <= from) return emptyText;
    return starts ? value.slice(starts[from] as number, starts[to] as number) : value.slice(from, to);
  }
  const all: Value[] = value instanceof Traced ? letters(value, budget) : value;
  const picked: Value[] = [];
  for (let at = from; by > 0 ? at < to : at > to; at += by) picked.push(all[at] as Value);
  budget.step(picked.length);
  if (!(value instanceof Traced)) return value instanceof Tuple ? Tuple.from(picked) : picked;
  return joinTexts(picked);
}

export const joinTexts = (parts: readonly Value[]): Traced =>
  concat(
    parts.map((part) => {
      if (!(part instanceof Traced)) throw new TemplateRefusal("only strings can be joined here");
      return part;
    }),
  );
