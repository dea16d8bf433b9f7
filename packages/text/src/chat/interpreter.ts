import type { CallNode, FilterNode, Node } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { runFilter } from "./filters.ts";
import { LoopState } from "./loop.ts";
import { attribute, item } from "./members.ts";
import { operate, refuseUndefined } from "./operators.ts";
import { negatedTestPrefix, testPrefix } from "./parse.ts";
import { items, slice } from "./sequences.ts";
import { runTest } from "./tests.ts";
import { concat, type Traced } from "./traced.ts";
import {
  type Callable,
  Dict,
  isCallable,
  isTrue,
  Namespace,
  TemplateRefusal,
  Tuple,
  text,
  toText,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

export class Scope {
  private readonly names = new Map<string, Value>();
  private readonly outer: Scope | null;
  constructor(outer: Scope | null = null) {
    this.outer = outer;
  }
  get(name: string): Value {
    for (let scope: Scope | null = this; scope; scope = scope.outer) {
      const value = scope.names.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(name);
  }
  set(name: string, value: Value): void {
    this.names.set(name, value);
  }
}

type Signal = "break" | "continue" | null;
const noKeywords: ReadonlyMap<string, Value> = new Map();

// Walks the syntax tree; what it prints is traced text.
export class Interpreter {
  private readonly budget: Budget;
  constructor(budget: Budget) {
    this.budget = budget;
  }

  render(body: readonly Node[], scope: Scope): Traced {
    const out: Traced[] = [];
    this.run(body, scope, out);
    return this.joined(out);
  }

  private joined(parts: Traced[]): Traced {
    this.budget.make(parts.reduce((sum, part) => sum + part.length, 0));
    return concat(parts);
  }

  private run(body: readonly Node[], scope: Scope, out: Traced[]): Signal {
    for (const node of body) {
      const signal = this.statement(node, scope, out);
      if (signal) return signal;
    }
    return null;
  }

  private statement(node: Node, scope: Scope, out: Traced[]): Signal {
    this.budget.step();
    switch (node.type) {
      case "Comment":
        return null;
      case "Break":
        return "break";
      case "Continue":
        return "continue";
      case "If":
        return this.run(isTrue(this.value(node.test, scope)) ? node.body : node.alternate, scope, out);
      case "For":
        this.loop(node, scope, out);
        return null;
      case "Set":
        this.assign(node.assignee, node.value ? this.value(node.value, scope) : this.block(node.body, scope), scope);
        return null;
      case "Macro":
        scope.set(node.name.value, this.macro(node.args, node.body, scope));
        return null;
      case "FilterStatement":
        out.push(toText(this.filtered(this.block(node.body, scope), node.filter, scope), this.budget));
        return null;
      case "CallStatement": {
        const caller = this.macro(node.callerArgs ?? [], node.body, scope);
        out.push(toText(this.call(node.call, scope, caller), this.budget));
        return null;
      }
      default:
        out.push(toText(this.value(node, scope), this.budget));
        return null;
    }
  }

  private block(body: readonly Node[], scope: Scope): Traced {
    return this.render(body, new Scope(scope));
  }

  private loop(node: Extract<Node, { type: "For" }>, scope: Scope, out: Traced[]): void {
    const filtered = node.iterable.type === "SelectExpression" ? node.iterable : null;
    let entries = items(this.value(filtered ? filtered.lhs : node.iterable, scope), this.budget);
    if (filtered)
      entries = entries.filter((entry) => {
        const inner = new Scope(scope);
        this.assign(node.loopvar, entry, inner);
        return isTrue(this.value(filtered.test, inner));
      });
    if (entries.length === 0) {
      this.run(node.defaultBlock, new Scope(scope), out);
      return;
    }
    const state = new LoopState(entries, this.budget);
    for (let i = 0; i < entries.length; i++) {
      this.budget.step();
      const inner = new Scope(scope);
      inner.set("loop", state.at(i));
      this.assign(node.loopvar, entries[i] as Value, inner);
      if (this.run(node.body, inner, out) === "break") return;
    }
  }

  private assign(target: Node, value: Value, scope: Scope): void {
    if (target.type === "Identifier") scope.set(target.value, value);
    else if (target.type === "TupleLiteral" || target.type === "ArrayLiteral") {
      const parts = items(value, this.budget);
      if (parts.length !== target.value.length)
        throw new TemplateRefusal(`${parts.length} values cannot be given to ${target.value.length} names`);
      for (const [i, name] of target.value.entries()) this.assign(name, parts[i] as Value, scope);
    } else if (target.type === "MemberExpression" && !target.computed && target.property.type === "Identifier") {
      const object = this.value(target.object, scope);
      if (!(object instanceof Namespace))
        throw new TemplateRefusal(`only a namespace takes a field, not a ${typeName(object)}`);
      object.fields.set(target.property.value, value);
    } else throw new TemplateRefusal(`a ${target.type} cannot be given a value`);
  }

  private dict(entries: Iterable<readonly [Node, Node]>, scope: Scope): Dict {
    const dict = new Dict();
    for (const [written, entry] of entries) {
      const key = this.value(written, scope);
      const name = toText(key, this.budget).text;
      if (typeof key === "number" && Number.isInteger(key)) dict.numbers.add(name);
      dict.set(name, this.value(entry, scope));
    }
    return dict;
  }

  private macro(parameters: readonly Node[], body: readonly Node[], scope: Scope): Callable {
    return {
      call: (positional, keywords) => {
        this.budget.enter();
        const inner = new Scope(scope);
        const unused = new Map(keywords);
        parameters.forEach((parameter, i) => {
          const named = parameter.type === "KeywordArgumentExpression" ? parameter.key : parameter;
          if (named.type !== "Identifier") throw new TemplateRefusal("a macro's parameter has no name");
          const name = named.value;
          const given = i < positional.length ? positional[i] : keywords.get(name);
          unused.delete(name);
          const fallback = () =>
            parameter.type === "KeywordArgumentExpression" ? this.value(parameter.value, inner) : new Undefined(name);
          inner.set(name, given ?? (given === null ? null : fallback()));
        });
        inner.set("caller", keywords.get("caller") ?? new Undefined("caller"));
        unused.delete("caller");
        inner.set("varargs", Tuple.from(positional.slice(parameters.length)));
        inner.set("kwargs", new Dict(unused));
        const result = this.render(body, inner);
        this.budget.leave();
        return result;
      },
    };
  }

  private call(node: CallNode, scope: Scope, caller?: Callable): Value {
    const callee = this.value(node.callee, scope);
    if (callee instanceof Undefined) refuseUndefined(callee);
    if (!isCallable(callee)) throw new TemplateRefusal(`a ${typeName(callee)} cannot be called`);
    const { positional, keywords } = this.arguments(node.args, scope);
    return callee.call(positional, caller ? new Map([...keywords, ["caller", caller]]) : keywords);
  }

  private arguments(nodes: readonly Node[], scope: Scope) {
    const positional: Value[] = [];
    const keywords = new Map<string, Value>();
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression") keywords.set(node.key.value, this.value(node.value, scope));
      else if (node.type === "SpreadExpression")
        positional.push(...items(this.value(node.argument, scope), this.budget));
      else if (node.type === "KeywordSpreadExpression") {
        const spread = this.value(node.argument, scope);
        if (!(spread instanceof Dict)) throw new TemplateRefusal("** wants a dict");
        for (const [key, value] of spread) keywords.set(key, value);
      } else positional.push(this.value(node, scope));
    }
    return { positional, keywords };
  }

  private filtered(operand: Value, filter: FilterNode, scope: Scope): Value {
    const callee = filter.type === "CallExpression" ? filter.callee : filter;
    if (callee.type !== "Identifier") throw new TemplateRefusal("a filter has no name");
    const { positional, keywords } =
      filter.type === "CallExpression" ? this.arguments(filter.args, scope) : { positional: [], keywords: noKeywords };
    for (const prefix of [negatedTestPrefix, testPrefix])
      if (callee.value.startsWith(prefix)) {
        const verdict = runTest(callee.value.slice(prefix.length), operand, positional, this.budget);
        return prefix === testPrefix ? verdict : !verdict;
      }
    return runFilter(callee.value, operand, positional, keywords, this.budget);
  }

  private value(node: Node, scope: Scope): Value {
    this.budget.step();
    switch (node.type) {
      case "StringLiteral":
        return text(node.value);
      case "IntegerLiteral":
      case "FloatLiteral":
        return node.value;
      case "Identifier":
        return constants.has(node.value) ? (constants.get(node.value) as Value) : scope.get(node.value);
      case "ArrayLiteral":
        return node.value.map((entry) => this.value(entry, scope));
      case "TupleLiteral":
        return Tuple.from(node.value.map((entry) => this.value(entry, scope)));
      case "ObjectLiteral":
        return this.dict(node.value, scope);
      case "BinaryExpression":
        return this.binary(node, scope);
      case "UnaryExpression":
        return this.unary(node, scope);
      case "Ternary":
        return this.value(isTrue(this.value(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
      case "SelectExpression": // `a if b` without else
        return isTrue(this.value(node.test, scope)) ? this.value(node.lhs, scope) : new Undefined("else");
      case "TestExpression": {
        const verdict = runTest(node.test.value, this.value(node.operand, scope), [], this.budget);
        return node.negate ? !verdict : verdict;
      }
      case "FilterExpression":
        return this.filtered(this.value(node.operand, scope), node.filter, scope);
      case "CallExpression":
        return this.call(node, scope);
      case "MemberExpression":
        return this.member(node, scope);
      default:
        throw new TemplateRefusal(`a ${node.type} stands where a value belongs`);
    }
  }

  private member(node: Extract<Node, { type: "MemberExpression" }>, scope: Scope): Value {
    const object = this.value(node.object, scope);
    const { property } = node;
    if (!node.computed) {
      if (property.type === "Identifier") return attribute(object, property.value, this.budget);
      return item(object, property.type === "IntegerLiteral" ? property.value : null, this.budget);
    }
    if (property.type !== "SliceExpression") return item(object, this.value(property, scope), this.budget);
    if (object instanceof Undefined) refuseUndefined(object);
    const bound = (at: Node | undefined) => {
      const value = at ? this.value(at, scope) : null;
      if (value !== null && (typeof value !== "number" || !Number.isInteger(value)))
        throw new TemplateRefusal("a slice wants whole numbers");
      return value;
    };
    return slice(object, bound(property.start), bound(property.stop), bound(property.step), this.budget);
  }

  private binary(node: Extract<Node, { type: "BinaryExpression" }>, scope: Scope): Value {
    const left = this.value(node.left, scope);
    const operator = node.operator.value;
    if (operator === "and") return isTrue(left) ? this.value(node.right, scope) : left;
    if (operator === "or") return isTrue(left) ? left : this.value(node.right, scope);
    return operate(operator, left, this.value(node.right, scope), this.budget);
  }

  private unary(node: Extract<Node, { type: "UnaryExpression" }>, scope: Scope): Value {
    const argument = this.value(node.argument, scope);
    if (node.operator.value === "not") return !isTrue(argument);
    const number = typeof argument === "boolean" ? Number(argument) : argument;
    if (typeof number !== "number") throw new TemplateRefusal(`a ${typeName(argument)} has no sign`);
    return node.operator.value === "-" ? -number : number;
  }
}

const constants: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);
