import { say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";
import { checkGrowth, checkSteps, growthLimit, oneCharacter } from "./growth.ts";
import { checkFlag, type PreTokenizerJson, type SplitBehavior } from "./hf-json.ts";
import { compileOniguruma, escapeForOniguruma } from "./regex.ts";
import { asUnicode16 } from "./unicode-16.ts";
import { rustRegexWord } from "./word-characters.ts";

// Words in order: their text, and where each starts in the text they were cut from (UTF-16).
export interface Pieces {
  texts: string[];
  starts: number[];
}
// `atStart`: this text is the beginning of the whole input (some kinds put a space there only).
export type PreTokenizer = (pieces: Pieces, atStart: boolean) => Pieces;

export const whole = (text: string): Pieces =>
  text === "" ? { texts: [], starts: [] } : { texts: [text], starts: [0] };

export function split(pattern: RegExp, behavior: SplitBehavior, invert = false): PreTokenizer {
  return (pieces) => {
    const out: Pieces = { texts: [], starts: [] };
    for (let i = 0; i < pieces.texts.length; i++) {
      const text = pieces.texts[i] as string;
      const start = pieces.starts[i] as number;
      const shape = asUnicode16(text);
      if (behavior === "Isolated") isolate(pattern, text, shape, start, out);
      else join(cut(pattern, shape, invert), behavior, text, start, out);
    }
    return out;
  };
}

// The common case by itself: every match and every gap is a word. Matched on the shape, taken from the text.
function isolate(pattern: RegExp, text: string, shape: string, start: number, out: Pieces): void {
  const { texts, starts } = out;
  let last = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(shape); match; match = pattern.exec(shape)) {
    const from = match.index;
    const to = from + match[0].length;
    // A match of nothing cuts there.
    if (to === from) {
      if (from > last) {
        texts.push(text.slice(last, from));
        starts.push(start + last);
        last = from;
      }
      pattern.lastIndex += (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
      continue;
    }
    if (from > last) {
      texts.push(text.slice(last, from));
      starts.push(start + last);
    }
    texts.push(text.slice(from, to));
    starts.push(start + from);
    last = to;
  }
  if (last < text.length) {
    texts.push(text.slice(last));
    starts.push(start + last);
  }
}

interface Cut {
  from: number;
  to: number;
  match: boolean;
}

function cut(pattern: RegExp, text: string, invert: boolean): Cut[] {
  const cuts: Cut[] = [];
  let last = 0;
  for (const { index, 0: match } of text.matchAll(pattern)) {
    if (index > last) cuts.push({ from: last, to: index, match: invert });
    if (match.length > 0) cuts.push({ from: index, to: index + match.length, match: !invert });
    last = index + match.length;
  }
  if (last < text.length) cuts.push({ from: last, to: text.length, match: invert });
  return cuts;
}

function join(cuts: Cut[], behavior: SplitBehavior, text: string, start: number, out: Pieces): void {
  const words: Cut[] = [];
  for (const piece of cuts) {
    const previous = words.at(-1);
    if (behavior === "Removed") {
      if (!piece.match) words.push(piece);
    } else if (behavior === "MergedWithPrevious" && previous && piece.match && !previous.match) {
      words[words.length - 1] = { from: previous.from, to: piece.to, match: true };
    } else if (behavior === "MergedWithNext" && previous?.match && !piece.match) {
      words[words.length - 1] = { from: previous.from, to: piece.to, match: false };
    } else if (behavior === "Contiguous" && previous && previous.match === piece.match) {
      words[words.length - 1] = { ...previous, to: piece.to };
    } else words.push(piece);
  }
  for (const { from, to } of words) {
    out.texts.push(text.slice(from, to));
    out.starts.push(start + from);
  }
}

export const sequence = (steps: readonly PreTokenizer[]): PreTokenizer =>
  steps.length === 1
    ? (steps[0] as PreTokenizer)
    : (pieces, atStart) => steps.reduce((now, step) => step(now, atStart), pieces);

const charactersOf = ({ texts }: Pieces): number => texts.reduce((sum, text) => sum + text.length, 0);

// Steps that put something in may double the text each.
function growing(steps: readonly PreTokenizer[]): PreTokenizer {
  return (pieces, atStart) => {
    const limit = growthLimit(charactersOf(pieces));
    return steps.reduce((now, step) => {
      const made = step(now, atStart);
      checkGrowth(charactersOf(made), limit, "tokenizer.json pre_tokenizer");
      return made;
    }, pieces);
  };
}

function prefixed(prefix: string): PreTokenizer {
  return (pieces) => {
    const out: Pieces = { texts: [], starts: [] };
    pieces.texts.forEach((text, i) => {
      const whole = text.startsWith(prefix);
      out.texts.push(whole ? text : prefix + text);
      out.starts.push((pieces.starts[i] as number) - (whole ? 0 : prefix.length));
    });
    return out;
  };
}

// The first piece by `step`, where it begins the whole input; the others as they are.
function firstOnly(step: PreTokenizer): PreTokenizer {
  return (pieces, atStart) => {
    if (!atStart || pieces.texts.length === 0 || pieces.starts[0] !== 0) return pieces;
    const first = step({ texts: pieces.texts.slice(0, 1), starts: [0] }, true);
    return {
      texts: [...first.texts, ...pieces.texts.slice(1)],
      starts: [...first.starts, ...pieces.starts.slice(1)],
    };
  };
}

// What a word of GPT-2 is; also the meaning of ByteLevel with `use_regex`.
export const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const behaviors: readonly SplitBehavior[] = [
  "Isolated",
  "Removed",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
];

function checkChoice(value: unknown, choices: readonly string[], name: string): void {
  if (value != null && !choices.includes(value as string))
    throw new TextError(
      `tokenizer.json pre_tokenizer.${name}`,
      say`is ${shown(value)}, none of ${choices.join(", ")}`,
      say`Repair tokenizer.json.`,
    );
}

// From `pre_tokenizer` of a tokenizer.json; `byteLevel` tells that words become bytes. Throws TextError.
export function preTokenizerFromJson(json: PreTokenizerJson | null | undefined): {
  preTokenizer: PreTokenizer;
  byteLevel: boolean;
} {
  const steps: PreTokenizer[] = [];
  let byteLevel = false;
  let prefixes = 0;
  const add = (node: PreTokenizerJson): void => {
    for (const flag of ["add_prefix_space", "use_regex", "individual_digits", "invert", "split"])
      checkFlag({ ...node }, flag, "tokenizer.json pre_tokenizer");
    checkChoice(node.behavior, behaviors, "behavior");
    checkChoice(node.prepend_scheme, ["always", "first", "never"], "prepend_scheme");
    // From there on a step would see GPT-2's letters for bytes instead of the text.
    if (byteLevel)
      throw new TextError(
        "tokenizer.json pre_tokenizer",
        say`a step of the kind ${shown(node.type)} after ByteLevel is not supported`,
        say`Use a model whose tokenizer splits by patterns, digits, bytes or white space.`,
      );
    switch (node.type) {
      case "Sequence":
        for (const child of node.pretokenizers ?? []) add(child);
        return;
      case "Split": {
        const pattern = patternOf(node);
        const behavior = node.behavior ?? "Isolated";
        steps.push(split(compileOniguruma(pattern), behavior, node.invert ?? false));
        return;
      }
      case "Digits":
        steps.push(split(/\p{N}/gu, node.individual_digits ? "Isolated" : "Contiguous"));
        return;
      case "Punctuation":
        steps.push(split(/[\p{P}!-/:-@[-`{-~]/gu, node.behavior ?? "Isolated"));
        return;
      case "WhitespaceSplit":
        steps.push(split(/\p{White_Space}/gu, "Removed"));
        return;
      case "Whitespace":
        steps.push(split(new RegExp(`[${rustRegexWord}]+|[^${rustRegexWord}\\s]+`, "gu"), "Removed", true));
        return;
      case "ByteLevel":
        if (node.add_prefix_space) {
          steps.push(prefixed(" "));
          prefixes++;
        }
        if (node.use_regex ?? true) steps.push(split(compileOniguruma(gpt2Pattern), "Isolated"));
        byteLevel = true;
        return;
      case "Metaspace": {
        const replacement = oneCharacter(node.replacement, "▁", "tokenizer.json pre_tokenizer.replacement");
        const scheme = node.prepend_scheme ?? (node.add_prefix_space === false ? "never" : "always");
        steps.push(({ texts, starts }) => ({ texts: texts.map((t) => t.replaceAll(" ", replacement)), starts }));
        prefixes++;
        if (scheme !== "never")
          steps.push(scheme === "first" ? firstOnly(prefixed(replacement)) : prefixed(replacement));
        if (node.split ?? true) steps.push(split(compileOniguruma(escapeForOniguruma(replacement)), "MergedWithNext"));
        return;
      }
      default:
        throw new TextError(
          "tokenizer.json pre_tokenizer",
          say`the kind ${shown(node.type)} is not supported`,
          say`Use a model whose tokenizer splits by patterns, digits, bytes or white space.`,
        );
    }
  };
  if (json) add(json);
  checkSteps(steps.length, "tokenizer.json pre_tokenizer");
  // The usual one puts in a character a word at most.
  const chain = prefixes > 1 ? growing(steps) : sequence(steps);
  return { preTokenizer: steps.length === 0 ? (pieces) => pieces : chain, byteLevel };
}

function patternOf(node: PreTokenizerJson): string {
  const { pattern } = node;
  const source = typeof pattern === "string" ? escapeForOniguruma(pattern) : pattern?.Regex;
  const text = source ?? escapeForOniguruma((typeof pattern === "object" ? pattern.String : "") ?? "");
  if (text === "")
    throw new TextError("tokenizer.json pre_tokenizer", say`Split has no pattern`, say`Repair tokenizer.json.`);
  return text;
}
