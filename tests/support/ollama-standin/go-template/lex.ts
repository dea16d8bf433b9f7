export type TokenKind =
  | "text"
  | "left"
  | "right"
  | "space"
  | "identifier"
  | "keyword"
  | "field"
  | "variable"
  | "string"
  | "rawstring"
  | "char"
  | "number"
  | "bool"
  | "nil"
  | "dot"
  | "pipe"
  | "declare"
  | "assign"
  | "comma"
  | "openparen"
  | "closeparen"
  | "eof"
  | "error";
export interface Token {
  kind: TokenKind;
  text: string;
  line: number;
}

const keywords = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "nil",
  "template",
  "with",
]);
const blanks = " \t\r\n";
const isBlank = (char: string | undefined): boolean => char !== undefined && char !== "" && blanks.includes(char);
const isLetter = (char: string | undefined): boolean => char !== undefined && /^[\p{L}\p{Nd}_]$/u.test(char);
const point = (char: string): string => {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `U+${code} '${char}'`;
};

// One token after the other; an error token ends the text.
export function* lex(text: string): Generator<Token, void, void> {
  let at = 0;
  let line = 1;
  let parens = 0;
  const token = (kind: TokenKind, length: number): Token => {
    const found = { kind, text: text.slice(at, at + length), line };
    line += found.text.split("\n").length - 1;
    at += length;
    return found;
  };
  const error = (message: string): Token => ({ kind: "error", text: message, line });
  const skip = (length: number) => {
    line += text.slice(at, at + length).split("\n").length - 1;
    at += length;
  };
  const rightAt = (): { length: number; trims: boolean } | null => {
    if (text.startsWith("}}", at)) return { length: 2, trims: false };
    if (isBlank(text[at]) && text.startsWith("-}}", at + 1)) return { length: 4, trims: true };
    return null;
  };
  const skipBlanks = () => {
    let length = 0;
    while (isBlank(text[at + length])) length += 1;
    skip(length);
  };
  for (;;) {
    const open = text.indexOf("{{", at);
    if (open < 0) {
      if (at < text.length) yield token("text", text.length - at);
      yield { kind: "eof", text: "", line };
      return;
    }
    const trimsLeft = text[open + 2] === "-" && isBlank(text[open + 3]);
    let length = open - at;
    if (trimsLeft) while (length > 0 && isBlank(text[at + length - 1])) length -= 1;
    if (length > 0) yield token("text", length);
    skip(open - at);
    const comment = trimsLeft ? open + 4 : open + 2;
    if (text.startsWith("/*", comment)) {
      const close = text.indexOf("*/", comment);
      if (close < 0) {
        yield error("unclosed comment");
        return;
      }
      skip(close + 2 - at);
      const right = rightAt();
      if (!right) {
        yield error("comment ends before closing delimiter");
        return;
      }
      skip(right.length);
      if (right.trims) skipBlanks();
      continue;
    }
    yield { kind: "left", text: "{{", line };
    skip(trimsLeft ? 4 : 2);
    parens = 0;
    for (;;) {
      const right = rightAt();
      if (right) {
        if (parens > 0) {
          yield error("unclosed left paren");
          return;
        }
        yield { kind: "right", text: "}}", line };
        skip(right.length);
        if (right.trims) skipBlanks();
        break;
      }
      const next = insideAction();
      yield next;
      if (next.kind === "error") return;
    }
  }

  function terminated(length: number): boolean {
    const char = text[at + length];
    return char === undefined || isBlank(char) || ".,|:)(".includes(char) || text.startsWith("}}", at + length);
  }
  function quoted(quote: string, kind: TokenKind, name: string): Token {
    for (let length = 1; ; length += 1) {
      const char = text[at + length];
      if (char === "\\" && text[at + length + 1] !== undefined && text[at + length + 1] !== "\n") length += 1;
      else if (char === undefined || char === "\n" || char === "\\") return error(`unterminated ${name}`);
      else if (char === quote) return token(kind, length + 1);
    }
  }
  function insideAction(): Token {
    const char = text[at];
    if (char === undefined) return error("unclosed action");
    if (isBlank(char)) {
      let length = 1;
      while (isBlank(text[at + length])) length += 1;
      // A blank may belong to a trimming right delimiter.
      if (text.startsWith("-}}", at + length)) length -= 1;
      return length > 0 ? token("space", length) : error("unclosed action");
    }
    if (char === "=") return token("assign", 1);
    if (char === ":") return text[at + 1] === "=" ? token("declare", 2) : error("expected :=");
    if (char === "|") return token("pipe", 1);
    if (char === '"') return quoted('"', "string", "quoted string");
    if (char === "'") return quoted("'", "char", "character constant");
    if (char === "`") {
      const close = text.indexOf("`", at + 1);
      return close < 0 ? error("unterminated raw quoted string") : token("rawstring", close + 1 - at);
    }
    if (char === "(") {
      parens += 1;
      return token("openparen", 1);
    }
    if (char === ")") {
      parens -= 1;
      return parens < 0 ? error("unexpected right paren") : token("closeparen", 1);
    }
    if (char === ",") return token("comma", 1);
    if (char === "$" || (char === "." && !/\d/.test(text[at + 1] ?? ""))) {
      let length = 1;
      while (isLetter(text[at + length])) length += 1;
      if (!terminated(length)) return error(`bad character ${point(text[at + length] ?? "")}`);
      if (char === ".") return length === 1 ? token("dot", 1) : token("field", length);
      return token("variable", length);
    }
    if (/[0-9.+-]/.test(char)) {
      const found = /^[+-]?(?:0[xX][\da-fA-F_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?)/.exec(text.slice(at));
      const length = found?.[0].length ?? 0;
      if (!/\d/.test(found?.[0] ?? "") || isLetter(text[at + length]))
        return error(`bad number syntax: ${JSON.stringify(text.slice(at, at + length + 1))}`);
      return token("number", length);
    }
    if (isLetter(char)) {
      let length = 1;
      while (isLetter(text[at + length])) length += 1;
      if (!terminated(length)) return error(`bad character ${point(text[at + length] ?? "")}`);
      const word = text.slice(at, at + length);
      if (word === "nil") return token("nil", length);
      if (keywords.has(word)) return token("keyword", length);
      return token(word === "true" || word === "false" ? "bool" : "identifier", length);
    }
    return error(`unrecognized character in action: ${point(String.fromCodePoint(text.codePointAt(at) ?? 0))}`);
  }
}
