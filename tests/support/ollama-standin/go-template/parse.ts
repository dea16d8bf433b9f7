import { type Arg, type Command, type Node, type Pipe, TemplateError } from "./ast.ts";
import { lex, type Token } from "./lex.ts";

export const functionNames = new Set(
  "and or not eq ne lt le gt ge len index slice print printf println html js urlquery call json currentDate yesterdayDate toTypeScriptType".split(
    " ",
  ),
);
const maxDepth = 200;

export interface Parsed {
  root: Node[];
  named: Map<string, Node[]>;
}

// Parses a template; throws TemplateError in the words of Go's parser.
export function parseTemplate(text: string): Parsed {
  return new Parser(text).parse();
}

const showToken = (token: Token): string => {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "keyword") return `<${token.text}>`;
  return token.text.length > 10 ? `${JSON.stringify(token.text.slice(0, 10))}...` : JSON.stringify(token.text);
};

class Parser {
  private readonly tokens: Generator<Token, void, void>;
  private readonly waiting: Token[] = [];
  private last: Token = { kind: "eof", text: "", line: 1 };
  private readonly named = new Map<string, Node[]>();
  private variables: string[] = ["$"];
  private rangeDepth = 0;
  private depth = 0;

  constructor(text: string) {
    this.tokens = lex(text);
  }

  private fail(message: string): never {
    throw new TemplateError(`template: :${this.last.line}: ${message}`);
  }

  private unexpected(token: Token, where: string): never {
    if (token.kind === "error") this.fail(token.text);
    this.fail(`unexpected ${showToken(token)} in ${where}`);
  }

  private next(): Token {
    const waiting = this.waiting.pop();
    if (waiting) {
      this.last = waiting;
      return waiting;
    }
    const { value } = this.tokens.next();
    this.last = value ?? { kind: "eof", text: "", line: this.last.line };
    return this.last;
  }

  private back(token: Token): void {
    this.waiting.push(token);
  }

  private nextSolid(): Token {
    for (;;) {
      const token = this.next();
      if (token.kind !== "space") return token;
    }
  }

  private peekSolid(): Token {
    const token = this.nextSolid();
    this.back(token);
    return token;
  }

  parse(): Parsed {
    const root: Node[] = [];
    for (;;) {
      const token = this.next();
      if (token.kind === "eof") return { root, named: this.named };
      if (token.kind === "text") root.push({ kind: "text", text: token.text });
      else if (token.kind === "left") {
        const word = this.nextSolid();
        if (word.kind === "keyword" && word.text === "define") this.define();
        else if (word.kind === "keyword" && (word.text === "end" || word.text === "else"))
          this.fail(`unexpected {{${word.text}}}`);
        else {
          this.back(word);
          const node = this.action();
          if (node) root.push(node);
        }
      } else this.unexpected(token, "input");
    }
  }

  private define(): void {
    const name = this.quotedName("define clause");
    this.expect("right", "define clause");
    const outer = this.variables;
    this.variables = ["$"];
    const { list, end } = this.list();
    if (end !== "end") this.fail(`unexpected {{${end}}} in define clause`);
    this.variables = outer;
    this.named.set(name, list);
  }

  private quotedName(where: string): string {
    const token = this.nextSolid();
    if (token.kind !== "string" && token.kind !== "rawstring") this.unexpected(token, where);
    return this.unquote(token);
  }

  private expect(kind: Token["kind"], where: string): Token {
    const token = this.nextSolid();
    if (token.kind !== kind) this.unexpected(token, where);
    return token;
  }

  private list(): { list: Node[]; end: "end" | "else" } {
    this.depth += 1;
    if (this.depth > maxDepth) this.fail("template is nested too deeply");
    const list: Node[] = [];
    for (;;) {
      const token = this.next();
      if (token.kind === "eof") this.fail("unexpected EOF");
      if (token.kind === "text") list.push({ kind: "text", text: token.text });
      else if (token.kind === "left") {
        const word = this.nextSolid();
        if (word.kind === "keyword" && (word.text === "end" || word.text === "else")) {
          this.depth -= 1;
          if (word.text === "end") this.expect("right", "end");
          return { list, end: word.text };
        }
        this.back(word);
        const node = this.action();
        if (node) list.push(node);
      } else this.unexpected(token, "input");
    }
  }

  private action(): Node | null {
    const token = this.nextSolid();
    if (token.kind === "keyword") {
      switch (token.text) {
        case "if":
        case "with":
        case "range":
          return this.control(token.text);
        case "break":
        case "continue":
          if (this.peekSolid().kind !== "right") this.unexpected(this.nextSolid(), `{{${token.text}}}`);
          this.nextSolid();
          if (this.rangeDepth === 0) this.fail(`{{${token.text}}} outside {{range}}`);
          return { kind: token.text };
        case "template":
        case "block":
          return this.call(token.text);
        default:
          this.unexpected(token, "command");
      }
    }
    this.back(token);
    return { kind: "action", pipe: this.pipeline("command", "right") };
  }

  private call(word: "template" | "block"): Node {
    const name = this.quotedName(`${word} clause`);
    let pipe: Pipe | null = null;
    if (word === "block" || this.peekSolid().kind !== "right") pipe = this.pipeline(`${word} clause`, "right");
    else this.nextSolid();
    if (word === "block") {
      const outer = this.variables;
      this.variables = ["$"];
      const { list, end } = this.list();
      if (end !== "end") this.fail(`unexpected {{${end}}} in block clause`);
      this.variables = outer;
      this.named.set(name, list);
    }
    return { kind: "template", name, pipe };
  }

  private control(word: "if" | "with" | "range"): Node {
    const known = this.variables.length;
    const pipe = this.pipeline(word, "right");
    if (word === "range") this.rangeDepth += 1;
    const { list, end } = this.list();
    if (word === "range") this.rangeDepth -= 1;
    let otherwise: Node[] | null = null;
    if (end === "else") {
      const after = this.nextSolid();
      if (after.kind === "keyword" && after.text === word && word !== "range") otherwise = [this.control(word)];
      else {
        this.back(after);
        this.expect("right", "else");
        const rest = this.list();
        if (rest.end !== "end") this.fail(`expected end; found {{else}}`);
        otherwise = rest.list;
      }
    }
    this.variables.length = known;
    return { kind: word, pipe, list, otherwise };
  }

  private pipeline(where: string, end: "right" | "closeparen"): Pipe {
    const declares: string[] = [];
    let assigns = false;
    const first = this.nextSolid();
    if (first.kind === "variable") {
      const space = this.next();
      const after = space.kind === "space" ? this.nextSolid() : space;
      if (after.kind === "declare" || after.kind === "assign") {
        declares.push(first.text);
        assigns = after.kind === "assign";
      } else if (after.kind === "comma" && where === "range") {
        const second = this.expect("variable", "range");
        const operator = this.nextSolid();
        if (operator.kind !== "declare" && operator.kind !== "assign") this.unexpected(operator, "range");
        declares.push(first.text, second.text);
        assigns = operator.kind === "assign";
      } else {
        if (space.kind === "space") this.back(after);
        this.back(space);
        this.back(first);
      }
      if (!assigns) this.variables.push(...declares);
      else
        for (const name of declares)
          if (!this.variables.includes(name)) this.fail(`undefined variable ${JSON.stringify(name)}`);
    } else this.back(first);
    const commands: Command[] = [];
    for (;;) {
      const token = this.nextSolid();
      if (token.kind === end) break;
      if (
        [
          "eof",
          "error",
          "text",
          "left",
          "right",
          "closeparen",
          "comma",
          "declare",
          "assign",
          "pipe",
          "keyword",
        ].includes(token.kind)
      )
        this.unexpected(token, where);
      this.back(token);
      commands.push(this.command());
    }
    if (commands.length === 0) this.fail(`missing value for ${where}`);
    for (const [i, [head]] of commands.entries())
      if (i > 0 && head && ["bool", "dot", "nil", "number", "string"].includes(head.kind))
        this.fail(`non executable command in pipeline stage ${i + 1}`);
    return { declares, assigns, commands };
  }

  private command(): Command {
    const args: Command = [];
    for (;;) {
      const arg = this.operand(this.nextSolid());
      if (arg) args.push(arg);
      const token = this.next();
      if (token.kind === "space") continue;
      if (token.kind === "right" || token.kind === "closeparen") this.back(token);
      else if (token.kind !== "pipe") this.unexpected(token, "operand");
      break;
    }
    if (args.length === 0) this.fail("empty command");
    return args;
  }

  private operand(token: Token): Arg | null {
    const term = this.term(token);
    if (!term) return null;
    const path: string[] = [];
    for (;;) {
      const after = this.next();
      if (after.kind !== "field") {
        this.back(after);
        break;
      }
      path.push(after.text.slice(1));
    }
    if (path.length === 0) return term;
    if (term.kind === "field" || term.kind === "variable") return { ...term, path: [...term.path, ...path] };
    if (["bool", "string", "number", "nil", "dot"].includes(term.kind))
      this.fail(`unexpected . after term ${JSON.stringify(token.text)}`);
    return { kind: "chain", from: term, path };
  }

  private term(token: Token): Arg | null {
    switch (token.kind) {
      case "identifier":
        if (!functionNames.has(token.text)) this.fail(`function ${JSON.stringify(token.text)} not defined`);
        return { kind: "function", name: token.text };
      case "dot":
        return { kind: "dot" };
      case "nil":
        return { kind: "nil" };
      case "bool":
        return { kind: "bool", value: token.text === "true" };
      case "field":
        return { kind: "field", path: [token.text.slice(1)] };
      case "variable":
        if (!this.variables.includes(token.text)) this.fail(`undefined variable ${JSON.stringify(token.text)}`);
        return { kind: "variable", name: token.text, path: [] };
      case "number":
        return { kind: "number", value: Number(token.text.replaceAll("_", "")) };
      case "char": {
        const inner = token.text.slice(1, -1);
        if ([...inner].length !== 1 && !/^\\.$/.test(inner)) this.fail(`malformed character constant: ${token.text}`);
        return { kind: "number", value: inner.codePointAt(0) ?? 0 };
      }
      case "string":
      case "rawstring":
        return { kind: "string", value: this.unquote(token) };
      case "openparen":
        return { kind: "pipe", pipe: this.pipeline("parenthesized pipeline", "closeparen") };
      default:
        this.back(token);
        return null;
    }
  }

  private unquote(token: Token): string {
    if (token.kind === "rawstring") return token.text.slice(1, -1).replaceAll("\r", "");
    const inner = token.text
      .slice(1, -1)
      .replace(/\\x([\da-fA-F]{2})/g, "\\u00$1")
      .replace(/\\a/g, "\\u0007")
      .replace(/\\v/g, "\\u000b")
      .replace(/\t/g, "\\t");
    try {
      return JSON.parse(`"${inner}"`);
    } catch {
      return this.fail("invalid syntax");
    }
  }
}
