import type { Budget } from "./budget.ts";
import { concat, Traced } from "./traced.ts";
import { areEqual, compare, Dict, TemplateRefusal, Tuple, toText, typeName, Undefined, type Value } from "./values.ts";

const asNumber = (value: Value): number | null =>
  typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null;

function refuseOperands(operator: string, left: Value, right: Value): never {
  for (const value of [left, right]) if (value instanceof Undefined) refuseUndefined(value);
  throw new TemplateRefusal(`${typeName(left)} ${operator} ${typeName(right)} has no meaning`);
}

export function refuseUndefined(value: Undefined): never {
  throw new TemplateRefusal(`${JSON.stringify(value.name)} is undefined`);
}

function add(left: Value, right: Value, budget: Budget): Value {
  if (left instanceof Traced && right instanceof Traced) {
    budget.make(left.length + right.length);
    return concat([left, right]);
  }
  if (Array.isArray(left) && Array.isArray(right) && left instanceof Tuple === right instanceof Tuple) {
    budget.step(left.length + right.length);
    const joined = [...left, ...right];
    return left instanceof Tuple ? Tuple.from(joined) : joined;
  }
  const [a, b] = [asNumber(left), asNumber(right)];
  if (a === null || b === null) refuseOperands("+", left, right);
  return a + b;
}

function multiply(left: Value, right: Value, budget: Budget): Value {
  const [a, b] = [asNumber(left), asNumber(right)];
  if (a !== null && b !== null) return a * b;
  const count = a ?? b;
  const sequence = a === null ? left : right;
  if (count === null || !Number.isInteger(count)) refuseOperands("*", left, right);
  const times = Math.max(0, count);
  if (sequence instanceof Traced) {
    budget.make(sequence.length * times);
    budget.step(times);
    return concat(Array.from({ length: times }, () => sequence));
  }
  if (!Array.isArray(sequence)) refuseOperands("*", left, right);
  budget.step(sequence.length * times + times);
  const repeated = Array.from({ length: times }, () => [...sequence]).flat(1);
  return sequence instanceof Tuple ? Tuple.from(repeated) : repeated;
}

function arithmetic(operator: string, left: Value, right: Value): Value {
  const [a, b] = [asNumber(left), asNumber(right)];
  if (a === null || b === null) refuseOperands(operator, left, right);
  if (b === 0 && operator !== "-" && operator !== "**") throw new TemplateRefusal("division by zero");
  switch (operator) {
    case "-":
      return a - b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - Math.floor(a / b) * b;
    default:
      return a ** b;
  }
}

export function contains(container: Value, item: Value, budget: Budget): boolean {
  if (container instanceof Undefined) return false;
  if (container instanceof Traced) {
    if (!(item instanceof Traced)) refuseOperands("in", item, container);
    return container.text.includes(item.text);
  }
  if (Array.isArray(container)) return container.some((entry) => areEqual(entry, item, budget));
  if (container instanceof Dict)
    return item instanceof Traced
      ? container.has(item.text) && !container.numbers.has(item.text)
      : typeof item === "number" && container.numbers.has(String(item));
  throw new TemplateRefusal(`a ${typeName(container)} holds nothing that "in" could find`);
}

// All operators but `and` and `or`.
export function operate(operator: string, left: Value, right: Value, budget: Budget): Value {
  switch (operator) {
    case "+":
      return add(left, right, budget);
    case "~": {
      const parts = [toText(left, budget), toText(right, budget)];
      budget.make((parts[0] as Traced).length + (parts[1] as Traced).length);
      return concat(parts);
    }
    case "*":
      return multiply(left, right, budget);
    case "==":
      return areEqual(left, right, budget);
    case "!=":
      return !areEqual(left, right, budget);
    case "<":
    case "<=":
    case ">":
    case ">=": {
      if (left instanceof Undefined || right instanceof Undefined) refuseOperands(operator, left, right);
      const order = compare(left, right, budget);
      if (operator === "<") return order < 0;
      if (operator === "<=") return order <= 0;
      return operator === ">" ? order > 0 : order >= 0;
    }
    case "in":
      return contains(right, left, budget);
    case "not in":
      return !contains(right, left, budget);
    default:
      return arithmetic(operator, left, right);
  }
}
