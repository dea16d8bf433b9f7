import type { Budget } from "./budget.ts";
import { codePointIndex } from "./sequences.ts";
import { concat, isSpace, join, splitBy, strip, Traced } from "./traced.ts";
import { type Callable, TemplateRefusal, Tuple, text, toText, typeName, Undefined, type Value } from "./values.ts";

type Method = (self: Traced, args: Value[], keywords: ReadonlyMap<string, Value>, budget: Budget) => Value;

function string(value: Value | undefined, what: string): Traced {
  if (value instanceof Traced) return value;
  throw new TemplateRefusal(`${what} wants a string, not ${value === undefined ? "nothing" : typeName(value)}`);
}

const optionalString = (value: Value | undefined, what: string): string | undefined =>
  value === undefined || value === null ? undefined : string(value, what).text;

const number = (value: Value | undefined, fallback: number): number => (typeof value === "number" ? value : fallback);

// str.split without a separator: runs of white space, none at the ends.
function splitOnSpace(self: Traced, limit: number): Traced[] {
  const parts: Traced[] = [];
  let at = 0;
  for (;;) {
    while (at < self.length && isSpace(self.text[at] as string)) at++;
    if (at >= self.length) return parts;
    if (parts.length >= limit) {
      parts.push(strip(self.slice(at, self.length), false, true));
      return parts;
    }
    let end = at;
    while (end < self.length && !isSpace(self.text[end] as string)) end++;
    parts.push(self.slice(at, end));
    at = end;
  }
}

function split(self: Traced, args: Value[], keywords: ReadonlyMap<string, Value>, fromRight: boolean): Value {
  const separator = optionalString(args[0] ?? keywords.get("sep"), "split");
  const given = number(args[1] ?? keywords.get("maxsplit"), -1);
  const limit = given < 0 ? Number.POSITIVE_INFINITY : given;
  if (separator === "") throw new TemplateRefusal("split: empty separator");
  return separator === undefined ? splitOnSpace(self, limit) : splitBy(self, separator, limit, fromRight);
}

function partition(self: Traced, separator: string, fromRight: boolean): Value {
  const at = fromRight ? self.text.lastIndexOf(separator) : self.text.indexOf(separator);
  const whole = fromRight ? [text(""), text(""), self] : [self, text(""), text("")];
  if (at < 0) return Tuple.from(whole);
  return Tuple.from([self.slice(0, at), text(separator), self.slice(at + separator.length, self.length)]);
}

export function replaceAll(self: Traced, from: string, to: Traced, limit: number, budget: Budget): Traced {
  const count = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  if (from === "") {
    const letters = [...self.text].length;
    if (count < letters + 1) throw new TemplateRefusal("replace: an empty pattern with a count is not supported");
    budget.make(to.length * (letters + 1));
    let at = 0;
    const parts: Traced[] = [to];
    for (const letter of self.text) {
      parts.push(self.slice(at, at + letter.length), to);
      at += letter.length;
    }
    return concat(parts);
  }
  const parts = splitBy(self, from, count);
  budget.make(self.length + to.length * parts.length);
  return join(parts, to);
}

const affix = (self: Traced, value: Value | undefined, test: (text: string, part: string) => boolean, what: string) =>
  Array.isArray(value)
    ? value.some((part) => test(self.text, string(part, what).text))
    : test(self.text, string(value, what).text);

const everyLetter = (self: Traced, pattern: RegExp) =>
  self.length > 0 && [...self.text].every((letter) => pattern.test(letter));

export const titleCase = (value: string): string =>
  value.replace(/\p{L}+/gu, (word) => {
    const [first = ""] = word;
    return first.toUpperCase() + word.slice(first.length).toLowerCase();
  });

export function capitalized(value: string): string {
  const [first = ""] = value;
  return first.toUpperCase() + value.slice(first.length).toLowerCase();
}

// Where Python's splitlines cuts.
const lineEnds = new Set([10, 11, 12, 13, 28, 29, 30, 0x85, 0x2028, 0x2029]);

const methods: Readonly<Record<string, Method>> = {
  strip: (self, [chars]) => strip(self, true, true, optionalString(chars, "strip")),
  lstrip: (self, [chars]) => strip(self, true, false, optionalString(chars, "lstrip")),
  rstrip: (self, [chars]) => strip(self, false, true, optionalString(chars, "rstrip")),
  split: (self, args, keywords) => split(self, args, keywords, false),
  rsplit: (self, args, keywords) => split(self, args, keywords, true),
  splitlines: (self, [keep]) => {
    const lines: Traced[] = [];
    let at = 0;
    for (let i = 0; i < self.length; i++) {
      if (!lineEnds.has(self.text.charCodeAt(i))) continue;
      const end = self.text.startsWith("\r\n", i) ? i + 2 : i + 1;
      lines.push(self.slice(at, keep === true ? end : i));
      at = end;
      i = end - 1;
    }
    if (at < self.length) lines.push(self.slice(at, self.length));
    return lines;
  },
  partition: (self, [separator]) => partition(self, string(separator, "partition").text, false),
  rpartition: (self, [separator]) => partition(self, string(separator, "rpartition").text, true),
  startswith: (self, [part]) => affix(self, part, (t, p) => t.startsWith(p), "startswith"),
  endswith: (self, [part]) => affix(self, part, (t, p) => t.endsWith(p), "endswith"),
  removeprefix: (self, [part]) => {
    const { text: prefix } = string(part, "removeprefix");
    return self.text.startsWith(prefix) ? self.slice(prefix.length, self.length) : self;
  },
  removesuffix: (self, [part]) => {
    const { text: suffix } = string(part, "removesuffix");
    return suffix && self.text.endsWith(suffix) ? self.slice(0, self.length - suffix.length) : self;
  },
  replace: (self, [from, to, count], _keywords, budget) =>
    replaceAll(self, string(from, "replace").text, string(to, "replace"), number(count, -1), budget),
  upper: (self) => self.derive(self.text.toUpperCase()),
  lower: (self) => self.derive(self.text.toLowerCase()),
  title: (self) => self.derive(titleCase(self.text)),
  capitalize: (self) => self.derive(capitalized(self.text)),
  find: (self, [part]) => codePointIndex(self.text, self.text.indexOf(string(part, "find").text)),
  rfind: (self, [part]) => codePointIndex(self.text, self.text.lastIndexOf(string(part, "rfind").text)),
  index: (self, [part]) => {
    const at = self.text.indexOf(string(part, "index").text);
    if (at < 0) throw new TemplateRefusal("index: substring not found");
    return codePointIndex(self.text, at);
  },
  count: (self, [part]) => splitBy(self, string(part, "count").text).length - 1,
  isdigit: (self) => everyLetter(self, /^\p{Nd}$/u),
  isnumeric: (self) => everyLetter(self, /^\p{N}$/u),
  isalpha: (self) => everyLetter(self, /^\p{L}$/u),
  isalnum: (self) => everyLetter(self, /^[\p{L}\p{N}]$/u),
  isspace: (self) => self.length > 0 && [...self.text].every(isSpace),
  isupper: (self) => self.text !== self.text.toLowerCase() && self.text === self.text.toUpperCase(),
  islower: (self) => self.text !== self.text.toUpperCase() && self.text === self.text.toLowerCase(),
  join: (self, [items], _keywords, budget) => {
    if (!Array.isArray(items)) throw new TemplateRefusal("join wants a list");
    const parts = items.map((item) => string(item, "join"));
    budget.make(parts.reduce((sum, part) => sum + part.length + self.length, 0));
    return join(parts, self);
  },
  zfill: (self, [width]) => {
    const missing = Math.min(number(width, 0), 1000) - self.length;
    return missing > 0 ? concat([text("0".repeat(missing)), self]) : self;
  },
  format: (self, args, keywords, budget) => {
    let next = 0;
    const parts: Traced[] = [];
    let at = 0;
    for (const { index, 0: field, 1: name } of self.text.matchAll(/\{\{|\}\}|\{([A-Za-z_0-9]*)\}/g)) {
      parts.push(self.slice(at, index));
      at = index + field.length;
      if (name === undefined) {
        parts.push(text(field.slice(0, 1)));
        continue;
      }
      const value = name === "" ? args[next++] : /^\d+$/.test(name) ? args[Number(name)] : keywords.get(name);
      if (value === undefined) throw new TemplateRefusal(`format: no value for {${name}}`);
      const made = toText(value, budget);
      budget.make(made.length);
      parts.push(made);
    }
    return concat([...parts, self.slice(at, self.length)]);
  },
};

// A method of a string by name, or Undefined.
export function stringMethod(self: Traced, name: string, budget: Budget): Callable | Undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (!method) return new Undefined(name);
  return {
    call: (args, keywords) => {
      budget.make(self.length);
      return method(self, args, keywords, budget);
    },
  };
}
