import { say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";
import { checkGrowth, checkSteps, growthLimit, insertedText } from "./growth.ts";
import { compileOniguruma, escapeForOniguruma } from "./regex.ts";
import { normalizeAsUnicode11 } from "./unicode-11.ts";

// Normalised text, and for every UTF-16 position in it the position in the source (null: the same).
export interface Normalized {
  text: string;
  positions: Int32Array | null;
}
/** `limit`: characters that the step may make; by default what all steps together may make of this text. */
export type Normalizer = (text: string, withPositions: boolean, limit?: number) => Normalized;

const field = "tokenizer.json normalizer";

export const identity: Normalizer = (text) => ({ text, positions: null });

export function sequence(steps: readonly Normalizer[]): Normalizer {
  if (steps.length === 0) return identity;
  if (steps.length === 1) return steps[0] as Normalizer;
  return (source, withPositions, limit = growthLimit(source.length)) => {
    let text = source;
    let positions: Int32Array | null = null;
    for (const step of steps) {
      const result = step(text, withPositions, limit);
      checkGrowth(result.text.length, limit, field);
      text = result.text;
      const outer: Int32Array | null = positions;
      if (!result.positions) continue;
      positions = outer ? result.positions.map((at) => outer[at] ?? 0) : result.positions;
    }
    return { text, positions };
  };
}

interface Piece {
  from: number;
  to: number;
  text: string;
}

// Joins pieces of known origin; each piece's inner positions run along with it as far as its source reaches.
function assemble(pieces: readonly Piece[], sourceLength: number): Normalized {
  const positions = new Int32Array(pieces.reduce((sum, { text }) => sum + text.length, 1));
  let at = 0;
  for (const { from, to, text } of pieces)
    for (let i = 0; i < text.length; i++) positions[at++] = Math.min(from + i, to);
  positions[at] = sourceLength;
  return { text: pieces.map(({ text }) => text).join(""), positions };
}

// A base character with its marks, or a run of Hangul jamo: what composes does so within one of these.
const cluster = /(?:[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]+|[^\p{M}])?\p{M}*/gu;

export function unicodeForm(form: "NFC" | "NFD" | "NFKC" | "NFKD"): Normalizer {
  return (source, withPositions) => {
    const text = normalizeAsUnicode11(source, form);
    if (text === source || !withPositions) return { text, positions: null };
    const pieces: Piece[] = [];
    for (const { index, 0: part } of source.matchAll(cluster))
      if (part.length > 0)
        pieces.push({ from: index, to: index + part.length, text: normalizeAsUnicode11(part, form) });
    const aligned = assemble(pieces, source.length);
    if (aligned.text === text) return aligned;
    // Composition across clusters (rare): positions run in proportion, so that offsets stay in order.
    const scale = source.length / Math.max(1, text.length);
    return { text, positions: Int32Array.from({ length: text.length + 1 }, (_, i) => Math.round(i * scale)) };
  };
}

export function replace(pattern: RegExp, content: string): Normalizer {
  return (source, withPositions, limit = growthLimit(source.length)) => {
    pattern.lastIndex = 0;
    if (!pattern.test(source)) return { text: source, positions: null };
    pattern.lastIndex = 0;
    const pieces: Piece[] = [];
    let last = 0;
    let made = 0;
    for (const { index, 0: match } of source.matchAll(pattern)) {
      made += index - last + content.length;
      checkGrowth(made, limit, field);
      pieces.push({ from: last, to: index, text: source.slice(last, index) });
      pieces.push({ from: index, to: index + match.length, text: content });
      last = index + match.length;
    }
    pieces.push({ from: last, to: source.length, text: source.slice(last) });
    return withPositions
      ? assemble(pieces, source.length)
      : { text: pieces.map(({ text }) => text).join(""), positions: null };
  };
}

export function prepend(prefix: string): Normalizer {
  return (source, withPositions, limit = growthLimit(source.length)) => {
    if (source === "") return { text: "", positions: null };
    checkGrowth(prefix.length + source.length, limit, field);
    const text = prefix + source;
    if (!withPositions) return { text, positions: null };
    return { text, positions: Int32Array.from({ length: text.length + 1 }, (_, i) => Math.max(0, i - prefix.length)) };
  };
}

// Character by character, as the original does it: a final sigma becomes "σ", not "ς".
const lowercase: Normalizer = (source, withPositions) => {
  const text = Array.from(source, (char) => char.toLowerCase()).join("");
  if (!withPositions || text.length === source.length) return { text, positions: null };
  const pieces: Piece[] = [];
  let at = 0;
  for (const char of source) {
    pieces.push({ from: at, to: at + char.length, text: char.toLowerCase() });
    at += char.length;
  }
  return assemble(pieces, source.length);
};

function strip(left: boolean, right: boolean): Normalizer {
  return (source, withPositions) => {
    const from = left ? (/^\p{White_Space}*/u.exec(source)?.[0].length ?? 0) : 0;
    let to = source.length;
    while (right && to > from && /\p{White_Space}/u.test(source[to - 1] as string)) to--;
    const text = source.slice(from, to);
    if (!withPositions) return { text, positions: null };
    return { text, positions: Int32Array.from({ length: text.length + 1 }, (_, i) => from + i) };
  };
}

interface NormalizerJson {
  type: string;
  normalizers?: NormalizerJson[];
  pattern?: { String?: string; Regex?: string };
  content?: string;
  prepend?: string;
  strip_left?: boolean;
  strip_right?: boolean;
}

// From `normalizer` of a tokenizer.json. Throws TextError for a kind that is not known exactly.
export function normalizerFromJson(json: NormalizerJson | null | undefined): Normalizer {
  if (!json) return identity;
  checkSteps(stepsOf(json), field);
  return stepOf(json);
}

const stepsOf = (json: NormalizerJson): number =>
  json.type === "Sequence" ? (json.normalizers ?? []).reduce((sum, step) => sum + stepsOf(step), 0) : 1;

function stepOf(json: NormalizerJson): Normalizer {
  switch (json.type) {
    case "Sequence":
      return sequence((json.normalizers ?? []).map(stepOf));
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return unicodeForm(json.type);
    case "Prepend":
      return prepend(insertedText(json.prepend, "", `${field}.prepend`));
    case "Lowercase":
      return lowercase;
    case "Strip":
      return strip(json.strip_left ?? true, json.strip_right ?? true);
    case "Replace": {
      const pattern = json.pattern?.Regex ?? escapeForOniguruma(json.pattern?.String ?? "");
      if (pattern === "") throw new TextError(field, say`Replace has no pattern`, say`Repair tokenizer.json.`);
      return replace(compileOniguruma(pattern, field), insertedText(json.content, "", `${field}.content`));
    }
    default:
      throw new TextError(
        field,
        say`the kind ${shown(json.type)} is not supported`,
        say`Use a model whose tokenizer normalises by NFC, NFKC, Replace, Prepend, Lowercase or Strip.`,
      );
  }
}
