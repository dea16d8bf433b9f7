import { say, type Words } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import type { Budget } from "./budget.ts";
import { concat, Traced } from "./traced.ts";

// What a template computes with. Maps keep Python's order of keys.
export class Undefined {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
/** What a look-up found: None is a value, nothing is undefined. */
export const found = (value: Value | undefined, name: string): Value =>
  value === undefined ? new Undefined(name) : value;

export class Tuple extends Array<Value> {}
// A dict of foreign data remembers that its keys are foreign too.
export class Dict extends Map<string, Value> {
  readonly source: number | null;
  readonly numbers = new Set<string>(); // keys that are whole numbers, as a template may write them
  constructor(entries: Iterable<readonly [string, Value]> = [], source: number | null = null) {
    super(entries);
    this.source = source;
  }
  key(name: string): Traced {
    return this.source === null ? new Traced(name) : Traced.from(name, this.source);
  }
  keyValue(name: string): Value {
    return this.numbers.has(name) ? Number(name) : this.key(name);
  }
}
export class Namespace {
  readonly fields = new Map<string, Value>();
}
export interface Callable {
  call: (positional: Value[], keywords: ReadonlyMap<string, Value>) => Value;
}
export type Value = Traced | number | boolean | null | Undefined | Value[] | Dict | Namespace | Callable;

// The template stops by itself: raise_exception, or an operation that fails in Python too.
export class TemplateRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TemplateRefusal";
  }
}

// A filter or test of Jinja's that is not known here: no conversation would do better.
export const notKnown = (kind: Words, name: string): TextError =>
  new TextError(
    "chat template",
    say`uses the ${kind} ${JSON.stringify(name.slice(0, 60))}, which is not known`,
    say`Use the chat template that the model's makers publish, or give one of your own without it.`,
  );

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
  if (value instanceof Dict) return "dict";
  return value instanceof Namespace ? "namespace" : "function";
}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined || value === false || value === 0) return false;
  if (value instanceof Traced || Array.isArray(value)) return value.length > 0;
  return value instanceof Dict ? value.size > 0 : true;
}

export function areEqual(a: Value, b: Value, budget: Budget): boolean {
  budget.step();
  if (a instanceof Traced && b instanceof Traced) return a.text === b.text;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => areEqual(item, b[i] as Value, budget));
  if (a instanceof Dict && b instanceof Dict)
    return (
      a.size === b.size && [...a].every(([key, item]) => b.has(key) && areEqual(item, b.get(key) as Value, budget))
    );
  if (a instanceof Undefined && b instanceof Undefined) return true;
  const number = (value: Value) => (typeof value === "boolean" ? Number(value) : value);
  return number(a) === number(b);
}

export function compare(a: Value, b: Value, budget: Budget): number {
  budget.step();
  if (a instanceof Traced && b instanceof Traced) return a.text === b.text ? 0 : a.text < b.text ? -1 : 1;
  const left = typeof a === "boolean" ? Number(a) : a;
  const right = typeof b === "boolean" ? Number(b) : b;
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compare(a[i] as Value, b[i] as Value, budget);
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
function repr(value: Value, budget: Budget): Traced {
  budget.step();
  if (value instanceof Traced) return charged(value.derive(quoted(value.text)), budget);
  const list = (items: Traced[], open: string, close: string) =>
    charged(
      concat([text(open), ...items.flatMap((item, i) => (i === 0 ? [item] : [text(", "), item])), text(close)]),
      budget,
    );
  if (Array.isArray(value)) {
    const items = value.map((item) => repr(item, budget));
    return value instanceof Tuple ? list(items, "(", items.length === 1 ? ",)" : ")") : list(items, "[", "]");
  }
  if (value instanceof Dict)
    return list(
      [...value].map(([key, item]) =>
        concat([value.key(value.numbers.has(key) ? key : quoted(key)), text(": "), repr(item, budget)]),
      ),
      "{",
      "}",
    );
  return toText(value, budget);
}

function charged(value: Traced, budget: Budget): Traced {
  budget.make(value.length);
  return value;
}

// Python's spelling of a number.
export function numberText(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? String(value) : BigInt(value).toString();
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 16) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

// Python's str().
export function toText(value: Value, budget: Budget): Traced {
  if (value instanceof Traced) return value;
  if (value instanceof Undefined) return text("");
  if (value === null) return text("None");
  if (typeof value === "boolean") return text(value ? "True" : "False");
  if (typeof value === "number") return text(numberText(value));
  if (Array.isArray(value) || value instanceof Dict) return repr(value, budget);
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
export function toJson(value: Value, style: JsonStyle, budget: Budget, depth = 0): Traced {
  budget.step();
  if (value === null) return text("null");
  if (typeof value === "boolean") return text(String(value));
  if (typeof value === "number") return text(numberText(value).replace("inf", "Infinity").replace("nan", "NaN"));
  if (value instanceof Traced) return charged(value.derive(jsonString(value.text, style.ascii)), budget);
  const wrap = (items: Traced[], open: string, close: string): Traced => {
    if (items.length === 0) return text(open + close);
    const line = (at: number) => (style.indent === null ? "" : `\n${" ".repeat(style.indent * at)}`);
    const parts: Traced[] = [text(open + line(depth + 1))];
    items.forEach((item, i) => {
      if (i > 0) parts.push(text(style.itemSeparator + line(depth + 1)));
      parts.push(item);
    });
    return charged(concat([...parts, text(line(depth) + close)]), budget);
  };
  if (Array.isArray(value))
    return wrap(
      value.map((item) => toJson(item, style, budget, depth + 1)),
      "[",
      "]",
    );
  if (value instanceof Dict) {
    const entries = [...value];
    if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return wrap(
      entries.map(([key, item]) =>
        concat([
          value.key(jsonString(key, style.ascii)),
          text(style.keySeparator),
          toJson(item, style, budget, depth + 1),
        ]),
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
    return new Dict(
      Object.entries(data)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, fromPlain(item, source, depth + 1)] as const),
      source,
    );
  return new Undefined("value");
}
