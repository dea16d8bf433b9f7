import { type Phrase, say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import { isSpace } from "./traced.ts";

// Cuts a template into the tokens that @huggingface/jinja's parser takes. Done here because white space must come out
// exactly as in transformers (trim_blocks and lstrip_blocks, `+` and `-` marks), in linear time whatever the text.
export interface Token {
  value: string;
  type: string;
}

export const sourceLimit = 1 << 20;

const operators: readonly [string, string][] = [
  ["**", "ExponentiationBinaryOperator"],
  ["//", "MultiplicativeBinaryOperator"],
  ["<=", "ComparisonBinaryOperator"],
  [">=", "ComparisonBinaryOperator"],
  ["==", "ComparisonBinaryOperator"],
  ["!=", "ComparisonBinaryOperator"],
  ["(", "OpenParen"],
  [")", "CloseParen"],
  ["{", "OpenCurlyBracket"],
  ["}", "CloseCurlyBracket"],
  ["[", "OpenSquareBracket"],
  ["]", "CloseSquareBracket"],
  [",", "Comma"],
  [".", "Dot"],
  [":", "Colon"],
  ["|", "Pipe"],
  ["<", "ComparisonBinaryOperator"],
  [">", "ComparisonBinaryOperator"],
  ["+", "AdditiveBinaryOperator"],
  ["-", "AdditiveBinaryOperator"],
  ["~", "AdditiveBinaryOperator"],
  ["*", "MultiplicativeBinaryOperator"],
  ["/", "MultiplicativeBinaryOperator"],
  ["%", "MultiplicativeBinaryOperator"],
  ["=", "Equals"],
];

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\x07",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
};

const isSpaceAt = (source: string, at: number) => at < source.length && isSpace(source[at] as string);

class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private at = 0;
  private lineStarts = true; // what was read last ended a line

  constructor(source: string) {
    this.source = source;
  }

  refuse(cause: Phrase, at = this.at): never {
    const line = this.source.slice(0, at).split("\n").length;
    throw new TextError(
      "chat template",
      say`line ${line}: ${cause}`,
      say`Repair the chat template, or use the makers' own.`,
    );
  }

  run(): Token[] {
    const { source } = this;
    while (this.at < source.length) {
      const open = this.nextTag();
      if (open < 0) {
        this.text(source.slice(this.at));
        break;
      }
      const kind = source[open + 1] as string;
      const mark = source[open + 2];
      const signed = mark === "-" || (mark === "+" && kind !== "{");
      this.text(this.before(source.slice(this.at, open), kind, signed ? mark : ""));
      this.at = open + (signed ? 3 : 2);
      if (kind === "#") this.comment(open);
      else if (kind === "{") this.tag("OpenExpression", "CloseExpression", "}}");
      else if (!this.rawBlock(open)) this.tag("OpenStatement", "CloseStatement", "%}");
    }
    return this.tokens;
  }

  private nextTag(): number {
    const { source } = this;
    for (let at = source.indexOf("{", this.at); at >= 0; at = source.indexOf("{", at + 1)) {
      const next = source[at + 1];
      if (next === "%" || next === "{" || next === "#") return at;
    }
    return -1;
  }

  // The text before a tag, less what the tag takes: all white space after "-", the line's indentation before a block.
  private before(text: string, kind: string, mark: string): string {
    if (mark === "-") {
      let end = text.length;
      while (end > 0 && isSpaceAt(text, end - 1)) end--;
      return text.slice(0, end);
    }
    if (mark === "+" || kind === "{") return text;
    const line = text.lastIndexOf("\n") + 1;
    if (line === 0 && !this.lineStarts) return text;
    for (let i = line; i < text.length; i++) if (!isSpaceAt(text, i)) return text;
    return text.slice(0, line);
  }

  private text(value: string): void {
    if (value !== "") this.tokens.push({ value, type: "Text" });
  }

  // Past a closing mark: all white space after "-", one newline after a block.
  private after(start: number, mark: string, trims: boolean): void {
    this.at = start;
    if (mark === "-") while (isSpaceAt(this.source, this.at)) this.at++;
    else if (mark !== "+" && trims && this.source[this.at] === "\n") this.at++;
    this.lineStarts = this.source[this.at - 1] === "\n";
  }

  private comment(open: number): void {
    const close = this.source.indexOf("#}", this.at);
    if (close < 0) this.refuse(say`a comment is not closed by "#}"`, open);
    const mark = close > open + 2 ? (this.source[close - 1] as string) : "";
    this.after(close + 2, mark, true);
  }

  // {% raw %} ... {% endraw %}
  private rawBlock(open: number): boolean {
    const head = /\s*raw\s*([-+]?)%\}/y;
    head.lastIndex = this.at;
    const match = head.exec(this.source);
    if (!match) return false;
    this.after(head.lastIndex, match[1] as string, false);
    const from = this.at;
    for (let at = this.source.indexOf("{%", from); at >= 0; at = this.source.indexOf("{%", at + 2)) {
      const tail = /\{%([-+]?)[ \t\n]{0,64}endraw[ \t\n]{0,64}([-+]?)%\}/y;
      tail.lastIndex = at;
      const end = tail.exec(this.source);
      if (!end) continue;
      this.text(this.before(this.source.slice(from, at), "%", end[1] as string));
      this.after(tail.lastIndex, end[2] as string, true);
      return true;
    }
    this.refuse(say`a raw block is not closed by "{% endraw %}"`, open);
  }

  private tag(opens: string, closes: string, close: string): void {
    const { source, tokens } = this;
    const start = this.at;
    const first = tokens.length;
    tokens.push({ value: opens === "OpenStatement" ? "{%" : "{{", type: opens });
    let depth = 0;
    for (;;) {
      while (isSpaceAt(source, this.at)) this.at++;
      if (this.at >= source.length) this.refuse(say`a tag is not closed by "${close}"`, start);
      if (depth === 0) {
        const mark = source[this.at] as string;
        const signed = mark === "-" || (mark === "+" && close === "%}");
        if (source.startsWith(close, signed ? this.at + 1 : this.at)) {
          this.after(this.at + (signed ? 3 : 2), signed ? mark : "", close === "%}");
          break;
        }
      }
      const token = this.expressionToken();
      if (token.type.startsWith("Open")) depth++;
      if (token.type.startsWith("Close")) depth--;
      tokens.push(token);
    }
    // {% generation %} marks the assistant's part for others' trainers; here the text itself knows.
    const name = tokens[first + 1]?.value;
    const marks = opens === "OpenStatement" && (name === "generation" || name === "endgeneration");
    if (marks && tokens.length === first + 2) tokens.length = first;
    else tokens.push({ value: close, type: closes });
  }

  private expressionToken(): Token {
    const { source } = this;
    const char = source[this.at] as string;
    if (char === "'" || char === '"') return { value: this.string(char), type: "StringLiteral" };
    const word = /[\p{L}\p{N}_]+/uy;
    word.lastIndex = this.at;
    const found = word.exec(source)?.[0];
    if (found !== undefined) {
      if (!/^\d/.test(found)) {
        this.at += found.length;
        return { value: found, type: "Identifier" };
      }
      return { value: this.number(), type: "NumericLiteral" };
    }
    for (const [value, type] of operators)
      if (source.startsWith(value, this.at)) {
        this.at += value.length;
        return { value, type };
      }
    this.refuse(say`the character ${JSON.stringify(char)} has no meaning here`);
  }

  private number(): string {
    const pattern = /(\d[\d_]{0,40})(\.\d{1,40})?([eE][-+]?\d{1,4})?/y;
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (!match) this.refuse(say`a number is not written as one`);
    // After a dot only an index is meant: `pair.0.1`.
    const afterDot = this.tokens.at(-1)?.type === "Dot";
    const value = afterDot ? (match[1] as string) : match[0];
    this.at += value.length;
    const plain = value.replaceAll("_", "");
    return /[eE]/.test(plain) ? `${Number(plain)}${Number.isInteger(Number(plain)) ? ".0" : ""}` : plain;
  }

  // A string literal as Python reads it: an escape that means nothing stays as written.
  private string(quote: string): string {
    const { source } = this;
    const start = this.at++;
    let value = "";
    for (;;) {
      const char = source[this.at++];
      if (char === undefined) this.refuse(say`a string is not closed`, start);
      if (char === quote) return value;
      if (char !== "\\") {
        value += char;
        continue;
      }
      const rest = source.slice(this.at, this.at + 9);
      const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
      const octal = /^[0-7]{1,3}/.exec(rest);
      const next = rest[0] ?? "";
      if (hex) {
        const code = Number.parseInt((hex[1] ?? hex[2] ?? hex[3]) as string, 16);
        if (code > 0x10ffff) this.refuse(say`a string names a character beyond Unicode`);
        value += String.fromCodePoint(code);
        this.at += hex[0].length;
      } else if (octal) {
        value += String.fromCharCode(Number.parseInt(octal[0], 8));
        this.at += octal[0].length;
      } else if (Object.hasOwn(escapes, next)) {
        value += escapes[next];
        this.at++;
      } else value += "\\";
    }
  }
}

export function tokenize(template: string): Token[] {
  if (template.length > sourceLimit)
    throw new TextError(
      "chat template",
      say`has ${template.length} characters; at most ${sourceLimit} are read`,
      say`Use the chat template that the model's makers publish.`,
    );
  const lines = template.replace(/\r\n|\r/g, "\n");
  return new Lexer(lines.endsWith("\n") ? lines.slice(0, -1) : lines).run();
}
