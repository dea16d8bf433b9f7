import { type Arg, type Command, type Node, type Pipe, TemplateError } from "./ast.ts";
import { asText, callFunction, GoStruct, isTrue, type Value } from "./functions.ts";
import type { Parsed } from "./parse.ts";

const maxSteps = 2_000_000;
const maxTemplateDepth = 100;
class Break {}
class Continue {}

// Executes a parsed template on a map of values.
export function runTemplate(parsed: Parsed, data: Value, root: Node[] = parsed.root): string {
  return new Run(parsed).start(root, data);
}

class Run {
  private readonly parsed: Parsed;
  private out: string[] = [];
  private scope: [name: string, value: Value][] = [];
  private steps = 0;
  private depth = 0;

  constructor(parsed: Parsed) {
    this.parsed = parsed;
  }

  start(root: Node[], data: Value): string {
    this.scope = [["$", data]];
    this.walk(root, data);
    return this.out.join("");
  }

  private fail(message: string): never {
    throw new TemplateError(`template: :1: executing "" at <>: ${message}`);
  }

  private walk(nodes: Node[], dot: Value): void {
    for (const node of nodes) {
      this.steps += 1;
      if (this.steps > maxSteps) this.fail("too many steps");
      if (node.kind === "text") this.out.push(node.text);
      else if (node.kind === "action") {
        const value = this.pipe(node.pipe, dot);
        if (node.pipe.declares.length === 0) this.out.push(asText(value));
      } else if (node.kind === "if" || node.kind === "range" || node.kind === "with") this.control(node, dot);
      else if (node.kind === "break") throw new Break();
      else if (node.kind === "continue") throw new Continue();
      else if (node.kind === "template") this.template(node.name, node.pipe ? this.pipe(node.pipe, dot) : undefined);
    }
  }

  private template(name: string, data: Value): void {
    const list = this.parsed.named.get(name);
    if (!list) this.fail(`template ${JSON.stringify(name)} not defined`);
    this.depth += 1;
    if (this.depth > maxTemplateDepth) this.fail("exceeded maximum template depth");
    const outer = this.scope;
    this.scope = [["$", data]];
    this.walk(list, data);
    this.scope = outer;
    this.depth -= 1;
  }

  private control(node: Extract<Node, { kind: "if" | "range" | "with" }>, dot: Value): void {
    const known = this.scope.length;
    if (node.kind === "range") this.range(node, dot);
    else {
      const value = this.pipe(node.pipe, dot);
      if (isTrue(value)) this.walk(node.list, node.kind === "with" ? value : dot);
      else if (node.otherwise) this.walk(node.otherwise, dot);
    }
    this.scope.length = known;
  }

  private range(node: Extract<Node, { kind: "if" | "range" | "with" }>, dot: Value): void {
    const { declares, assigns } = node.pipe;
    const value = this.pipe({ ...node.pipe, declares: [] }, dot);
    const pairs = this.pairs(value);
    const mark = this.scope.length;
    for (const [key, item] of pairs) {
      const [first, second] = declares;
      const bind = (name: string, bound: Value) =>
        assigns ? this.assign(name, bound) : this.scope.push([name, bound]);
      if (first !== undefined && second !== undefined) {
        bind(first, key);
        bind(second, item);
      } else if (first !== undefined) bind(first, item);
      try {
        this.walk(node.list, item);
      } catch (signal) {
        if (signal instanceof Break) break;
        if (!(signal instanceof Continue)) throw signal;
      } finally {
        this.scope.length = mark;
      }
    }
    if (pairs.length === 0 && node.otherwise) this.walk(node.otherwise, dot);
  }

  private pairs(value: Value): [Value, Value][] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value.map((item, i) => [i, item]);
    if (value instanceof Map) return [...value.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    if (typeof value === "number") return Array.from({ length: Math.max(0, value) }, (_, i) => [i, i]);
    return this.fail(`range can't iterate over ${asText(value)}`);
  }

  private assign(name: string, value: Value): void {
    const slot = this.scope.findLast(([known]) => known === name);
    if (slot) slot[1] = value;
  }

  private pipe(pipe: Pipe, dot: Value): Value {
    let value: Value;
    let piped = false;
    for (const command of pipe.commands) {
      value = this.command(command, dot, piped ? [value] : []);
      piped = true;
    }
    for (const name of pipe.declares)
      if (pipe.assigns) this.assign(name, value);
      else this.scope.push([name, value]);
    return value;
  }

  private command(command: Command, dot: Value, extra: Value[]): Value {
    const [head, ...rest] = command;
    if (!head) return undefined;
    if (head.kind === "function") {
      if (head.name === "and" || head.name === "or") {
        const wantsTrue = head.name === "or";
        let value: Value;
        for (const thunk of [...rest.map((arg) => () => this.arg(arg, dot)), ...extra.map((given) => () => given)]) {
          value = thunk();
          if (isTrue(value) === wantsTrue) return value;
        }
        return value;
      }
      return callFunction(head.name, [...rest.map((arg) => this.arg(arg, dot)), ...extra], (message) =>
        this.fail(message),
      );
    }
    if (rest.length > 0 || extra.length > 0) this.fail("can't give argument to non-function");
    return this.arg(head, dot);
  }

  private arg(arg: Arg, dot: Value): Value {
    switch (arg.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "bool":
      case "number":
      case "string":
        return arg.value;
      case "function":
        return callFunction(arg.name, [], (message) => this.fail(message));
      case "field":
        return this.fields(dot, arg.path);
      case "variable":
        return this.fields(this.scope.findLast(([name]) => name === arg.name)?.[1], arg.path);
      case "chain":
        return this.fields(this.arg(arg.from, dot), arg.path);
      case "pipe":
        return this.pipe(arg.pipe, dot);
    }
  }

  private fields(from: Value, path: string[]): Value {
    let value = from;
    for (const name of path) {
      if (value instanceof Map) value = value.get(name);
      else if (value instanceof GoStruct) {
        if (!value.fields.has(name)) this.fail(`can't evaluate field ${name} in type ${value.type}`);
        value = value.fields.get(name);
      } else if (value === undefined || value === null) this.fail(`nil pointer evaluating interface {}.${name}`);
      else this.fail(`can't evaluate field ${name} in type ${typeof value === "string" ? "string" : typeof value}`);
    }
    return value;
  }
}
