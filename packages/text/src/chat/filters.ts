import { say } from "@anneal/contracts";
import type { Budget } from "./budget.ts";
import { item } from "./members.ts";
import { operate } from "./operators.ts";
import { items, joinTexts, lengthOf, letters } from "./sequences.ts";
import { capitalized, replaceAll, stringMethod, titleCase } from "./string-methods.ts";
import { runTest } from "./tests.ts";
import { join, strip, Traced } from "./traced.ts";
import {
  areEqual,
  compare,
  Dict,
  found,
  isCallable,
  isTrue,
  notKnown,
  plainJson,
  TemplateRefusal,
  Tuple,
  text,
  toJson,
  toText,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

interface Arguments {
  positional: readonly Value[];
  keywords: ReadonlyMap<string, Value>;
  budget: Budget;
  at: (index: number, name: string) => Value | undefined;
}
type Filter = (value: Value, args: Arguments) => Value;

const word = (value: Value | undefined): string | undefined => (value instanceof Traced ? value.text : undefined);
const number = (value: Value | undefined, fallback: number): number => (typeof value === "number" ? value : fallback);

// `attribute="a.b"` or an index.
function path(value: Value, name: Value, budget: Budget): Value {
  if (typeof name === "number") return item(value, name, budget);
  let now = value;
  for (const part of toText(name, budget).text.split("."))
    now = item(now, /^\d+$/.test(part) ? Number(part) : text(part), budget);
  return now;
}

// These filters make nothing of None, as of an empty list.
const itemsIfAny = (value: Value, budget: Budget): Value[] => (value === null ? [] : items(value, budget));

function pick(value: Value, { positional, budget }: Arguments, byAttribute: boolean, keep: boolean): Value {
  const [first, ...others] = positional;
  const [name, rest] = byAttribute ? [others[0], others.slice(1)] : [first, others];
  if (byAttribute && first === undefined) throw new TemplateRefusal("selectattr wants the name of an attribute");
  return itemsIfAny(value, budget).filter((entry) => {
    const tested = byAttribute ? path(entry, first as Value, budget) : entry;
    const verdict = name === undefined ? isTrue(tested) : runTest(word(name) ?? "", tested, rest, budget);
    return verdict === keep;
  });
}

function map(value: Value, { positional, keywords, budget }: Arguments): Value {
  const name = keywords.get("attribute");
  const all = itemsIfAny(value, budget);
  if (name !== undefined) {
    const fallback = keywords.get("default");
    return all.map((entry) => {
      const found = path(entry, name, budget);
      return found instanceof Undefined && fallback !== undefined ? fallback : found;
    });
  }
  const [filter, ...rest] = positional;
  return all.map((entry) => runFilter(word(filter) ?? "", entry, rest, keywords, budget));
}

// Strings compare without case unless asked otherwise.
function order(a: Value, b: Value, caseSensitive: boolean, budget: Budget): number {
  const fold = (value: Value) => (!caseSensitive && value instanceof Traced ? text(value.text.toLowerCase()) : value);
  return compare(fold(a), fold(b), budget);
}

function extreme(value: Value, args: Arguments, sign: 1 | -1): Value {
  const sensitive = isTrue(args.at(0, "case_sensitive") ?? false);
  const by = args.at(1, "attribute");
  const key = (entry: Value) => (by === undefined ? entry : path(entry, by, args.budget));
  const all = items(value, args.budget);
  if (all.length === 0) return new Undefined("item");
  return all.reduce((best, entry) => (order(key(entry), key(best), sensitive, args.budget) * sign > 0 ? entry : best));
}

const filters: Readonly<Record<string, Filter>> = {
  abs: (value) => Math.abs(number(value, Number.NaN)),
  capitalize: (value, { budget }) => {
    const self = toText(value, budget);
    return self.derive(capitalized(self.text));
  },
  default: (value, args) => {
    const given = args.at(0, "default_value");
    const fallback = given === undefined ? text("") : given;
    const any = isTrue(args.at(1, "boolean") ?? false);
    return value instanceof Undefined || (any && !isTrue(value)) ? fallback : value;
  },
  dictsort: (value, args) => {
    if (!(value instanceof Dict)) throw new TemplateRefusal("dictsort wants a dict");
    const sensitive = isTrue(args.at(0, "case_sensitive") ?? false);
    const at = word(args.at(1, "by")) === "value" ? 1 : 0;
    const pairs = [...value].map(([key, entry]) => Tuple.from([value.keyValue(key), entry]) as Value[]);
    pairs.sort((a, b) => order(a[at] as Value, b[at] as Value, sensitive, args.budget));
    return isTrue(args.at(2, "reverse") ?? false) ? pairs.reverse() : pairs;
  },
  escape: (value, { budget }) => {
    let now = toText(value, budget);
    for (const [from, to] of [
      ["&", "&amp;"],
      ["<", "&lt;"],
      [">", "&gt;"],
      ["'", "&#39;"],
      ['"', "&#34;"],
    ] as const)
      now = replaceAll(now, from, text(to), -1, budget);
    return now;
  },
  first: (value, { budget }) => found(items(value, budget)[0], "first"),
  last: (value, { budget }) => found(items(value, budget).at(-1), "last"),
  float: (value, args) => {
    const given = value instanceof Traced ? Number(value.text.trim() || "x") : Number(value);
    return Number.isNaN(given) ? (args.at(0, "default") ?? 0) : given;
  },
  indent: (value, args) => {
    const width = args.at(0, "width") ?? 4;
    if (typeof width === "number" && width > 1000) throw new TemplateRefusal("indent is wider than 1000");
    const by = width instanceof Traced ? width : text(" ".repeat(Math.max(0, number(width, 4))));
    const blank = isTrue(args.at(2, "blank") ?? false);
    const self = toText(value, args.budget);
    const split = stringMethod(join([self, text("\n")], text("")), "splitlines", args.budget);
    const lines = isCallable(split) ? (split.call([], new Map()) as Traced[]) : [];
    args.budget.make(self.length + lines.length * (by.length + 1));
    const moved = lines.map((line, i) => (i > 0 && (blank || line.length > 0) ? join([by, line], text("")) : line));
    const body = join(moved, text("\n"));
    return isTrue(args.at(1, "first") ?? false) ? join([by, body], text("")) : body;
  },
  int: (value, args) => {
    const fallback = args.at(0, "default") ?? 0;
    if (typeof value === "number") return Math.trunc(value);
    if (typeof value === "boolean") return Number(value);
    const said = word(value)?.trim() ?? "";
    return /^[-+]?\d+(\.\d*)?([eE][-+]?\d+)?$/.test(said) ? Math.trunc(Number(said)) : fallback;
  },
  items: (value) => {
    if (value instanceof Undefined) return [];
    if (!(value instanceof Dict)) throw new TemplateRefusal("items wants a dict");
    return [...value].map(([key, entry]) => Tuple.from([value.keyValue(key), entry]));
  },
  join: (value, args) => {
    const by = args.at(1, "attribute");
    const { budget } = args;
    const parts = items(value, budget).map((entry) =>
      toText(by === undefined ? entry : path(entry, by, budget), budget),
    );
    const separator = toText(args.at(0, "d") ?? text(""), budget);
    budget.make(parts.reduce((sum, part) => sum + part.length + separator.length, 0));
    return join(parts, separator);
  },
  length: (value) => lengthOf(value),
  list: (value, { budget }) => [...items(value, budget)],
  lower: (value, { budget }) => {
    const self = toText(value, budget);
    return self.derive(self.text.toLowerCase());
  },
  map,
  max: (value, args) => extreme(value, args, 1),
  min: (value, args) => extreme(value, args, -1),
  reject: (value, args) => pick(value, args, false, false),
  rejectattr: (value, args) => pick(value, args, true, false),
  replace: (value, args) => {
    const { budget } = args;
    const from = toText(args.at(0, "old") ?? text(""), budget).text;
    return replaceAll(
      toText(value, budget),
      from,
      toText(args.at(1, "new") ?? text(""), budget),
      number(args.at(2, "count"), -1),
      budget,
    );
  },
  reverse: (value, { budget }) =>
    value instanceof Traced ? joinTexts(letters(value, budget).reverse()) : [...items(value, budget)].reverse(),
  round: (value, args) => {
    const scale = 10 ** number(args.at(0, "precision"), 0);
    const scaled = number(value, 0) * scale;
    const method = word(args.at(1, "method"));
    if (method === "ceil") return Math.ceil(scaled) / scale;
    if (method === "floor") return Math.floor(scaled) / scale;
    // Python rounds halves to the even neighbour.
    const down = Math.floor(scaled);
    const rounded = scaled - down === 0.5 ? down + (Math.abs(down) % 2) : Math.round(scaled);
    return rounded / scale;
  },
  safe: (value) => value,
  select: (value, args) => pick(value, args, false, true),
  selectattr: (value, args) => pick(value, args, true, true),
  sort: (value, args) => {
    const sensitive = isTrue(args.at(1, "case_sensitive") ?? false);
    const by = args.at(2, "attribute");
    const { budget } = args;
    const key = (entry: Value) => (by === undefined ? entry : path(entry, by, budget));
    const backwards = isTrue(args.at(0, "reverse") ?? false) ? -1 : 1;
    return [...items(value, budget)].sort((a, b) => backwards * order(key(a), key(b), sensitive, budget));
  },
  string: (value, { budget }) => toText(value, budget),
  sum: (value, args) => {
    const by = args.at(0, "attribute");
    const { budget } = args;
    return items(value, budget).reduce<Value>(
      (total, entry) => operate("+", total, by === undefined ? entry : path(entry, by, budget), budget),
      args.at(1, "start") ?? 0,
    );
  },
  title: (value, { budget }) => {
    const self = toText(value, budget);
    return self.derive(titleCase(self.text));
  },
  tojson: (value, args) => {
    const indent = args.at(1, "indent");
    const width = indent === undefined || indent === null ? null : number(indent, 0);
    if (width !== null && width > 100) throw new TemplateRefusal("tojson: the indent is wider than 100");
    const given = args.at(2, "separators");
    const [between, after] = Array.isArray(given) ? given.map((part) => toText(part, args.budget).text) : [];
    const style = {
      ...plainJson,
      indent: width,
      itemSeparator: between ?? (width === null ? ", " : ","),
      keySeparator: after ?? ": ",
      ascii: isTrue(args.at(0, "ensure_ascii") ?? false),
      sortKeys: isTrue(args.at(3, "sort_keys") ?? false),
    };
    return toJson(value, style, args.budget);
  },
  trim: (value, args) => {
    const characters = args.at(0, "chars");
    return strip(toText(value, args.budget), true, true, word(characters));
  },
  unique: (value, args) => {
    const sensitive = isTrue(args.at(0, "case_sensitive") ?? false);
    const by = args.at(1, "attribute");
    const { budget } = args;
    const fold = (entry: Value) => {
      const key = by === undefined ? entry : path(entry, by, budget);
      return !sensitive && key instanceof Traced ? text(key.text.toLowerCase()) : key;
    };
    const kept: Value[] = [];
    const seen: Value[] = [];
    for (const entry of items(value, budget)) {
      const key = fold(entry);
      if (seen.some((other) => areEqual(other, key, budget))) continue;
      seen.push(key);
      kept.push(entry);
    }
    return kept;
  },
  upper: (value, { budget }) => {
    const self = toText(value, budget);
    return self.derive(self.text.toUpperCase());
  },
  wordcount: (value, { budget }) => (toText(value, budget).text.match(/[\p{L}\p{N}_]+/gu) ?? []).length,
};

const aliases: Readonly<Record<string, string>> = { d: "default", count: "length", e: "escape" };

export function runFilter(
  name: string,
  value: Value,
  positional: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
  budget: Budget,
): Value {
  budget.step();
  const known = Object.hasOwn(aliases, name) ? (aliases[name] as string) : name;
  const filter = Object.hasOwn(filters, known) ? filters[known] : undefined;
  if (!filter) throw notKnown(say`filter`, name);
  if (value instanceof Traced) budget.make(value.length);
  const at = (index: number, key: string) => (index < positional.length ? positional[index] : keywords.get(key));
  if (isCallable(value)) throw new TemplateRefusal(`the filter ${known} cannot take a ${typeName(value)}`);
  return filter(value, { positional, keywords, budget, at });
}
