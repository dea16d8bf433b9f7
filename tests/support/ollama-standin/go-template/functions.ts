import { type GoValue, goJson, sortedKeys } from "../go/go-json.ts";

// A Go struct: asking for a field that it lacks is an error, where a map answers nothing.
export class GoStruct {
  readonly type: string;
  readonly fields: ReadonlyMap<string, Value>;
  constructor(type: string, fields: Record<string, Value>) {
    this.type = type;
    this.fields = new Map(Object.entries(fields));
  }
}
// Something that prints itself as JSON (tools, arguments of tool calls).
export class GoPrinted {
  readonly json: GoValue;
  constructor(json: GoValue) {
    this.json = json;
  }
}

export type Value =
  | undefined // no value
  | null
  | boolean
  | number
  | string
  | GoStruct
  | GoPrinted
  | Value[]
  | Map<string, Value>;

export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (value instanceof GoPrinted) return Array.isArray(value.json) ? value.json.length > 0 : true;
  return value instanceof GoStruct || Boolean(value);
}

export function asText(value: Value): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(asText).join(" ")}]`;
  if (value instanceof Map) return `map[${[...value].map(([key, item]) => `${key}:${asText(item)}`).join(" ")}]`;
  if (value instanceof GoStruct) return `{${[...value.fields.values()].map(asText).join(" ")}}`;
  if (value instanceof GoPrinted) return goJson(sortedKeys(value.json));
  return String(value);
}

function asJson(value: Value): GoValue {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(asJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, asJson(item)]));
  if (value instanceof GoStruct) return Object.fromEntries([...value.fields].map(([key, item]) => [key, asJson(item)]));
  if (value instanceof GoPrinted) return value.json;
  return value;
}

type Fail = (message: string) => never;

const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

function compare(a: Value, b: Value, fail: Fail): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return fail("error calling lt: incompatible types for comparison");
}

function equal(a: Value, b: Value, fail: Fail): boolean {
  if (a === undefined || a === null || b === undefined || b === null) return (a ?? null) === (b ?? null);
  if (typeof a !== typeof b || typeof a === "object") fail("error calling eq: incompatible types for comparison");
  return a === b;
}

function printf(format: Value, values: Value[]): string {
  let used = 0;
  return String(format).replace(
    /%(-?\d*)(?:\.(\d+))?([vsdqtf%])/g,
    (_, width: string, digits: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      const value = values[used];
      used += 1;
      const text =
        verb === "q"
          ? JSON.stringify(asText(value))
          : verb === "f"
            ? Number(value).toFixed(Number(digits ?? 6))
            : asText(value);
      const size = Math.abs(Number(width || 0));
      return width.startsWith("-") ? text.padEnd(size) : text.padStart(size);
    },
  );
}

export function callFunction(name: string, args: Value[], fail: Fail): Value {
  const [first, ...others] = args;
  switch (name) {
    case "not":
      return !isTrue(first);
    case "eq":
      if (others.length === 0) fail("error calling eq: missing argument for comparison");
      return others.some((other) => equal(first, other, fail));
    case "ne":
      return !equal(first, others[0], fail);
    case "lt":
      return compare(first, others[0], fail) < 0;
    case "le":
      return compare(first, others[0], fail) <= 0;
    case "gt":
      return compare(first, others[0], fail) > 0;
    case "ge":
      return compare(first, others[0], fail) >= 0;
    case "len":
      if (typeof first === "string") return Buffer.byteLength(first);
      if (Array.isArray(first)) return first.length;
      if (first instanceof Map) return first.size;
      if (first instanceof GoPrinted && Array.isArray(first.json)) return first.json.length;
      return fail("error calling len: len of nil pointer");
    case "index": {
      let value = first;
      for (const key of others) {
        if (value instanceof Map) value = value.get(String(key));
        else if (Array.isArray(value) && typeof key === "number") {
          if (key < 0 || key >= value.length) fail(`error calling index: reflect: slice index out of range`);
          value = value[key];
        } else fail("error calling index: can't index item of this type");
      }
      return value;
    }
    case "slice": {
      const bounds = others.map(Number);
      if (typeof first === "string") return Buffer.from(first).subarray(bounds[0], bounds[1]).toString("utf8");
      if (!Array.isArray(first)) return fail("error calling slice: can't slice item of this type");
      const to = bounds[1] ?? first.length;
      if ((bounds[0] ?? 0) > to || to > first.length) fail(`error calling slice: index out of range: ${to}`);
      return first.slice(bounds[0], to);
    }
    case "print":
      return args.map(asText).join("");
    case "println":
      return `${args.map(asText).join(" ")}\n`;
    case "printf":
      return printf(first, others);
    case "json":
      return goJson(sortedKeys(asJson(first)));
    case "currentDate":
      return day(0);
    case "yesterdayDate":
      return day(-1);
    case "toTypeScriptType":
      return "any";
    case "html":
      return asText(first).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
    case "js":
      return JSON.stringify(asText(first)).slice(1, -1);
    case "urlquery":
      return encodeURIComponent(asText(first));
    default:
      return fail(`error calling ${name}`);
  }
}
