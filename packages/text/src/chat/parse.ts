import { say } from "@anneal/contracts";
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

// For every opening bracket the index of the one that closes it; the last token where none does.
function closings(tokens: readonly Token[]): Int32Array {
  const ends = new Int32Array(tokens.length).fill(tokens.length - 1);
  const open: number[] = [];
  tokens.forEach(({ type }, i) => {
    if (opens.has(type)) open.push(i);
    else if (closes.has(type)) {
      const start = open.pop();
      if (start !== undefined) ends[start] = i;
    }
  });
  return ends;
}

// The parser knows no tests with arguments (`is divisibleby(2)`, `is in [...]`). They become filters of a name that no
// template can write: `x | "is divisibleby"(2)`.
function testsAsFilters(tokens: readonly Token[]): Token[] {
  const ends = closings(tokens);
  const out: Token[] = [];
  const closeAfter = new Map<number, number>(); // brackets of ours that end behind a token
  let skipTo = 0;
  tokens.forEach((token, i) => {
    if (i < skipTo) return;
    const test = token.type === "Identifier" && token.value === "is" ? testAt(tokens, i, ends) : null;
    if (!test) out.push(token);
    else {
      out.push({ value: "|", type: "Pipe" }, { value: test.name, type: "Identifier" });
      skipTo = test.argument;
      if (test.bare) {
        out.push({ value: "(", type: "OpenParen" });
        closeAfter.set(test.end, (closeAfter.get(test.end) ?? 0) + 1);
      }
      return;
    }
    for (let count = closeAfter.get(i) ?? 0; count > 0; count--) out.push({ value: ")", type: "CloseParen" });
  });
  return out;
}

// A test with an argument whose word `is` stands at an index: where the argument begins and ends, and whether it lacks
// brackets.
function testAt(tokens: readonly Token[], is: number, ends: Int32Array) {
  if (tokens[is - 1]?.type === "Dot") return null;
  const negated = tokens[is + 1]?.value === "not" && tokens[is + 1]?.type === "Identifier";
  const at = is + (negated ? 2 : 1);
  const name = tokens[at];
  const first = tokens[at + 1];
  if (name?.type !== "Identifier" || !first) return null;
  let end = at + 1;
  if (opens.has(first.type)) end = ends[at + 1] as number;
  else if (first.type === "Identifier") {
    if (noArgument.has(first.value)) return null;
    while (tokens[end + 1]?.type === "Dot" && tokens[end + 2]) end += 2;
  } else if (first.type !== "StringLiteral" && first.type !== "NumericLiteral") return null;
  return {
    name: (negated ? negatedTestPrefix : testPrefix) + name.value,
    argument: at + 1,
    end,
    bare: first.type !== "OpenParen",
  };
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
        ? say`nests too deeply`
        : ended
          ? say`ends inside a block or bracket`
          : say`is not understood: ${said.slice(0, 300)}`,
      say`Use the chat template that the model's makers publish, or one without unusual statements.`,
      { cause },
    );
  }
}
