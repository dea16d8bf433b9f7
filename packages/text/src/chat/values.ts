import { concat, Traced } from "./traced.ts";

// What a template computes with. Maps keep Python's order of keys.
export class Undefined {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
export class Tuple extends Array<Value> {}
export class Namespace {
  readonly fields = new Map<string, Value>();
}
export interface Callable {
  call: (positional: Value[], keywords: ReadonlyMap<string, Value>) => Value;
}
export type Value = Traced | number | boolean | null | Undefined | Value[] | Map<string, Value> | Namespace | Callable;

// The template stops by itself: raise_exception, or an operation that fails in Python too.
export class TemplateRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TemplateRefusal";
  }
}

export const isCallable = (value: Value): value is Callable =>
  typeof value === "object" && value !== null && "call" in value;

export const text = (value: string): Traced => new Traced(value);

export function typeName(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Undefined) return "undefined";
  if (value instanceof Traced) return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  if (Array.isArray(value)) return value instanceof Tuple ? "tuple" : "list";
  if (value instanceof Map) return "dict";
  return value instanceof Namespace ? "namespace" : "function";
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined || value === false || value === 0) return false;
  if (value instanceof Traced || Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : true;
}

export function areEqual(a: Value, b: Value): boolean {
  if (a instanceof Traced && b instanceof Traced) return a.text === b.text;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => areEqual(item, b[i] as Value));
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && areEqual(item, b.get(key) as Value));
  if (a instanceof Undefined && b instanceof Undefined) return true;
  const number = (value: Value) => (typeof value === "boolean" ? Number(value) : value);
  return number(a) === number(b);
}

export function compare(a: Value, b: Value): number {
  if (a instanceof Traced && b instanceof Traced) return a.text === b.text ? 0 : a.text < b.text ? -1 : 1;
  const left = typeof a === "boolean" ? Number(a) : a;
  const right = typeof b === "boolean" ? Number(b) : b;
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compare(a[i] as Value, b[i] as Value);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  throw new TemplateRefusal(`cannot compare ${typeName(a)} with ${typeName(b)}`);
}

const quoted = (value: string): string => {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const body = value
    .replaceAll("\\", "\\\\")
    .replaceAll(quote, `\\${quote}`)
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return quote + body + quote;
};

// Python's repr, kept traced.
function repr(value: Value): Traced {
  if (value instanceof Traced) return value.derive(quoted(value.text));
  const list = (items: Traced[], open: string, close: string) =>
    concat([text(open), ...items.flatMap((item, i) => (i === 0 ? [item] : [text(", "), item])), text(close)]);
  if (Array.isArray(value)) {
    if (!(value instanceof Tuple)) return list(value.map(repr), "[", "]");
    return list(value.map(repr), "(", value.length === 1 ? ",)" : ")");
  }
  if (value instanceof Map)
    return list(
      [...value].map(([key, item]) => concat([text(`${quoted(key)}: `), repr(item)])),
      "{",
      "}",
    );
  return toText(value);
}

// Python's str().
export function toText(value: Value): Traced {
  if (value instanceof Traced) return value;
  if (value instanceof Undefined) return text("");
  if (value === null) return text("None");
  if (typeof value === "boolean") return text(value ? "True" : "False");
  if (typeof value === "number") return text(String(value));
  if (Array.isArray(value) || value instanceof Map) return repr(value);
  throw new TemplateRefusal(`cannot print a ${typeName(value)}`);
}

export interface JsonStyle {
  indent: number | null;
  itemSeparator: string;
  keySeparator: string;
  sortKeys: boolean;
  ascii: boolean;
}
export const plainJson: JsonStyle = {
  indent: null,
  itemSeparator: ", ",
  keySeparator: ": ",
  sortKeys: false,
  ascii: false,
};

// Python's json.dumps as transformers calls it.
export function toJson(value: Value, style: JsonStyle, depth = 0): Traced {
  if (value === null) return text("null");
  if (typeof value === "boolean" || typeof value === "number") return text(String(value));
  if (value instanceof Traced) return value.derive(jsonString(value.text, style.ascii));
  const wrap = (items: Traced[], open: string, close: string): Traced => {
    if (items.length === 0) return text(open + close);
    const line = (at: number) => (style.indent === null ? "" : `\n${" ".repeat(style.indent * at)}`);
    const separator = style.indent === null ? style.itemSeparator : style.itemSeparator.trimEnd();
    const parts: Traced[] = [text(open + line(depth + 1))];
    items.forEach((item, i) => {
      if (i > 0) parts.push(text(separator + line(depth + 1)));
      parts.push(item);
    });
    return concat([...parts, text(line(depth) + close)]);
  };
  if (Array.isArray(value))
    return wrap(
      value.map((item) => toJson(item, style, depth + 1)),
      "[",
      "]",
    );
  if (value instanceof Map) {
    const entries = [...value];
    if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return wrap(
      entries.map(([key, item]) =>
        concat([text(jsonString(key, style.ascii) + style.keySeparator), toJson(item, style, depth + 1)]),
      ),
      "{",
      "}",
    );
  }
  throw new TemplateRefusal(`a value of type ${typeName(value)} is not JSON`);
}

function jsonString(value: string, ascii: boolean): string {
  const json = JSON.stringify(value).replaceAll("\u007f", ascii ? "\\u007f" : "\u007f");
  if (!ascii) return json;
  return json.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// Plain data as template values; `source` marks every string in it as data of that origin, null as the template's own.
export function fromPlain(data: unknown, source: number | null, depth = 0): Value {
  if (depth > 64) throw new TemplateRefusal("data nests too deeply");
  if (typeof data === "string") return source === null ? text(data) : Traced.from(data, source);
  if (data === null || typeof data === "number" || typeof data === "boolean") return data;
  if (Array.isArray(data)) return data.map((item) => fromPlain(item, source, depth + 1));
  if (typeof data === "object")
    return new Map(
      Object.entries(data)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, fromPlain(item, source, depth + 1)]),
    );
  return new Undefined("value");
}
