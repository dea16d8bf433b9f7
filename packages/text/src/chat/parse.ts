import { parse as parseTokens } from "@huggingface/jinja";
import { TextError } from "../text-error.ts";
import type { Node } from "./ast.ts";
import { type Token, tokenize } from "./lexer.ts";

export const testPrefix = "is ";
export const negatedTestPrefix = "is not ";
const depthLimit = 400;

const opens = new Set(["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"]);
const closes = new Set(["CloseParen", "CloseSquareBracket", "CloseCurlyBracket"]);
const noArgument = new Set(["else", "or", "and", "is", "if", "in", "not"]);

function endOfBrackets(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const { type } = tokens[i] as Token;
    if (opens.has(type)) depth++;
    else if (closes.has(type) && --depth === 0) return i;
  }
  return tokens.length - 1;
}

// The parser knows no tests with arguments (`is divisibleby(2)`, `is in [...]`). They become filters of a name that no
// template can write: `x | "is divisibleby"(2)`.
function testsAsFilters(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    out.push(token);
    if (token.type !== "Identifier" || token.value !== "is" || tokens[i - 1]?.type === "Dot") continue;
    const negated = tokens[i + 1]?.value === "not" && tokens[i + 1]?.type === "Identifier";
    const at = i + (negated ? 2 : 1);
    const name = tokens[at];
    const argument = tokens[at + 1];
    const symbolic = name?.type === "ComparisonBinaryOperator";
    if ((name?.type !== "Identifier" && !symbolic) || !argument) continue;
    let end: number;
    if (argument.type === "OpenParen" || argument.type === "OpenSquareBracket" || argument.type === "OpenCurlyBracket")
      end = endOfBrackets(tokens, at + 1);
    else if (argument.type === "StringLiteral" || argument.type === "NumericLiteral") end = at + 1;
    else if (argument.type === "Identifier" && !noArgument.has(argument.value)) {
      end = at + 1;
      while (tokens[end + 1]?.type === "Dot" && tokens[end + 2]) end += 2;
    } else continue;
    out.pop();
    out.push({ value: "|", type: "Pipe" });
    out.push({ value: (negated ? negatedTestPrefix : testPrefix) + name.value, type: "Identifier" });
    const parenthesised = argument.type === "OpenParen";
    if (!parenthesised) out.push({ value: "(", type: "OpenParen" });
    out.push(...testsAsFilters(tokens.slice(at + 1, end + 1)));
    if (!parenthesised) out.push({ value: ")", type: "CloseParen" });
    i = end;
  }
  return out;
}

function* childrenOf(node: Node): Generator<Node> {
  for (const value of Object.values(node) as unknown[]) {
    if (value instanceof Map) {
      for (const [key, item] of value as Map<Node, Node>) {
        yield key;
        yield item;
      }
    } else if (Array.isArray(value)) yield* value.filter((item) => isNode(item));
    else if (isNode(value)) yield value;
  }
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && !("operator" === value.type);

// Walking the tree recurses; a tree deeper than any real template's is refused before that.
function checkDepth(root: Node): void {
  const stack: { node: Node; depth: number }[] = [{ node: root, depth: 0 }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top.depth > depthLimit) throw new RangeError("too deep");
    for (const child of childrenOf(top.node)) stack.push({ node: child, depth: top.depth + 1 });
  }
}

// The syntax tree of a template. Throws TextError.
export function parseTemplate(source: string): Node[] {
  const written = tokenize(source);
  try {
    const tokens = testsAsFilters(written);
    const program = parseTokens(tokens as Parameters<typeof parseTokens>[0]) as unknown as Node;
    checkDepth(program);
    return program.type === "Program" ? program.body : [];
  } catch (cause) {
    const tooDeep = cause instanceof RangeError;
    // The parser reads past the last token where a block or bracket stays open.
    const ended = cause instanceof TypeError;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new TextError(
      "chat template",
      tooDeep
        ? "nests too deeply"
        : ended
          ? "ends inside a block or bracket"
          : `is not understood: ${said.slice(0, 300)}`,
      "Use the chat template that the model's makers publish, or one without unusual statements.",
      { cause },
    );
  }
}
