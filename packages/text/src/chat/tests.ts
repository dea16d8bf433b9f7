import { say } from "@anneal/contracts";
import type { Budget } from "./budget.ts";
import { contains, operate } from "./operators.ts";
import { Traced } from "./traced.ts";
import { areEqual, Dict, isCallable, notKnown, TemplateRefusal, Undefined, type Value } from "./values.ts";

type Test = (value: Value, args: readonly Value[], budget: Budget) => boolean;

const integer = (value: Value): number => {
  const number = typeof value === "boolean" ? Number(value) : value;
  if (typeof number !== "number") throw new TemplateRefusal("a test of numbers was given something else");
  return number;
};
const compared =
  (operator: string): Test =>
  (value, [other = null], budget) =>
    operate(operator, value, other, budget) === true;
const isIterable = (value: Value) =>
  value instanceof Traced || Array.isArray(value) || value instanceof Dict || value instanceof Undefined;

const same = (a: Value, b: Value, budget: Budget): boolean =>
  a instanceof Traced || typeof a === "number" ? areEqual(a, b, budget) && typeof a === typeof b : a === b;

const tests: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === "number" && Number.isInteger(value),
  float: (value) => typeof value === "number" && !Number.isInteger(value),
  number: (value) => typeof value === "number" || typeof value === "boolean",
  string: (value) => value instanceof Traced,
  mapping: (value) => value instanceof Dict,
  sequence: isIterable,
  iterable: isIterable,
  callable: (value) => isCallable(value),
  odd: (value) => Math.abs(integer(value) % 2) === 1,
  even: (value) => integer(value) % 2 === 0,
  divisibleby: (value, [by = 1]) => integer(value) % integer(by) === 0,
  lower: (value) =>
    value instanceof Traced && value.text !== value.text.toUpperCase() && value.text === value.text.toLowerCase(),
  upper: (value) =>
    value instanceof Traced && value.text !== value.text.toLowerCase() && value.text === value.text.toUpperCase(),
  in: (value, [container = null], budget) => contains(container, value, budget),
  sameas: (value, [other = null], budget) => same(value, other, budget),
  eq: compared("=="),
  equalto: compared("=="),
  "==": compared("=="),
  ne: compared("!="),
  "!=": compared("!="),
  lt: compared("<"),
  lessthan: compared("<"),
  "<": compared("<"),
  le: compared("<="),
  "<=": compared("<="),
  gt: compared(">"),
  greaterthan: compared(">"),
  ">": compared(">"),
  ge: compared(">="),
  ">=": compared(">="),
  escaped: () => false,
};

export function runTest(name: string, value: Value, args: readonly Value[], budget: Budget): boolean {
  budget.step();
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
  if (!test) throw notKnown(say`test`, name);
  return test(value, args, budget);
}
