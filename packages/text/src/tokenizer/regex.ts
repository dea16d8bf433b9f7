import { type Phrase, say } from "@anneal/contracts";
import { TextError } from "../text-error.ts";
import { onigurumaWord } from "./word-characters.ts";

// Turns the Oniguruma patterns of tokenizer.json files into JavaScript ones of the same meaning: white space and letter
// case as Unicode has them, possessive and atomic groups, `$` before a newline. What it does not know it refuses. A pattern
// can still take for ever on some text: whoever runs one on strangers' behalf gives it a deadline (thread/).
const patternLimit = 4096;
const depthLimit = 32;

interface Piece {
  source: string;
  unbounded: boolean; // holds a * or + somewhere
  reach?: number | undefined; // of the longest {m,n} in it whose ends differ
}
const longReach = 30;

class Translator {
  private at = 0;
  private atomics = 0;
  private readonly pattern: string;
  private readonly field: string;

  constructor(pattern: string, field: string) {
    this.pattern = pattern;
    this.field = field;
  }

  translate(): string {
    if (this.pattern.length > patternLimit) throw this.refusal(say`is longer than ${patternLimit} characters`);
    const { source } = this.alternatives(false, 0);
    if (this.at < this.pattern.length) throw this.refusal(say`has an unmatched ")" at ${this.at}`);
    return source;
  }

  private refusal(cause: Phrase): TextError {
    const shown = this.pattern.length > 80 ? `${this.pattern.slice(0, 80)}...` : this.pattern;
    return new TextError(
      this.field,
      say`the pattern ${JSON.stringify(shown)} ${cause}`,
      say`Use a tokenizer whose pre-tokenizer splits by ordinary patterns, such as that of Llama 3 or Qwen 2.`,
    );
  }

  private alternatives(ignoreCase: boolean, depth: number): Piece {
    if (depth > depthLimit) throw this.refusal(say`nests groups too deeply`);
    let source = "";
    let unbounded = false;
    let reach = 0;
    for (;;) {
      const branch = this.sequence(ignoreCase, depth);
      source += branch.source;
      unbounded ||= branch.unbounded;
      reach = Math.max(reach, branch.reach ?? 0);
      if (this.pattern[this.at] !== "|") return { source, unbounded, reach };
      source += "|";
      this.at++;
    }
  }

  private sequence(ignoreCase: boolean, depth: number): Piece {
    let source = "";
    let unbounded = false;
    let reach = 0;
    while (this.at < this.pattern.length && this.pattern[this.at] !== "|" && this.pattern[this.at] !== ")") {
      // (?i) alone holds to the end of its group.
      if (this.pattern.startsWith("(?i)", this.at)) {
        this.at += 4;
        const rest = this.alternatives(true, depth + 1);
        return {
          source: `${source}(?:${rest.source})`,
          unbounded: unbounded || rest.unbounded,
          reach: Math.max(reach, rest.reach ?? 0),
        };
      }
      const atom = this.atom(ignoreCase, depth);
      const quantified = this.quantify(atom);
      source += quantified.source;
      unbounded ||= quantified.unbounded;
      reach = Math.max(reach, quantified.reach ?? 0);
    }
    return { source, unbounded, reach };
  }

  private quantify(atom: Piece): Piece {
    const rest = this.pattern.slice(this.at);
    const match = /^(?:[*+?]|\{\d*,?\d*\})/.exec(rest);
    if (!match || match[0] === "{}" || match[0] === "{,}") return atom;
    let quantifier = match[0];
    this.at += quantifier.length;
    const braces = quantifier.startsWith("{");
    if (braces && quantifier.startsWith("{,")) quantifier = `{0${quantifier.slice(1)}`;
    const unboundedHere = quantifier === "*" || quantifier === "+" || /^\{\d+,\}$/.test(quantifier);
    // A repetition of a repetition is what makes a pattern explode on hostile text.
    if (unboundedHere && atom.unbounded) throw this.refusal(say`repeats a repetition, which can take for ever`);
    const unbounded = unboundedHere || atom.unbounded;
    const [low = 0, high = 0] = /^\{(\d*),(\d+)\}$/.exec(quantifier)?.slice(1).map(Number) ?? [];
    const reachHere = high > low ? high : 0;
    if (reachHere >= longReach && (atom.unbounded || (atom.reach ?? 0) >= longReach))
      throw this.refusal(say`repeats a repetition, which can take for ever`);
    const reach = Math.max(reachHere, atom.reach ?? 0);
    const sign = this.pattern[this.at];
    if (sign === "?") {
      this.at++;
      return { source: `${atom.source}${quantifier}?`, unbounded, reach };
    }
    if (sign === "+" && !braces) {
      this.at++;
      return { source: this.atomic(`${atom.source}${quantifier}`), unbounded, reach };
    }
    return { source: `${atom.source}${quantifier}`, unbounded, reach };
  }

  // JavaScript has no atomic groups; a look-ahead is one, and its capture is then consumed.
  private atomic(source: string): string {
    const name = `atomic${this.atomics++}`;
    return `(?:(?=(?<${name}>${source}))\\k<${name}>)`;
  }

  private atom(ignoreCase: boolean, depth: number): Piece {
    const char = this.pattern[this.at] as string;
    if (char === "(") return this.group(ignoreCase, depth);
    if (char === "[") return { source: this.characterClass(ignoreCase), unbounded: false };
    if (char === "\\") return { source: this.escape(ignoreCase, false), unbounded: false };
    this.at++;
    if (char === "^") return { source: "(?<![^\\n])", unbounded: false };
    if (char === "$") return { source: "(?![^\\n])", unbounded: false };
    if (char === ".") return { source: "[^\\n]", unbounded: false };
    if (char === "*" || char === "+" || char === "?") throw this.refusal(say`repeats nothing at ${this.at - 1}`);
    const code = this.pattern.codePointAt(this.at - 1) as number;
    if (code > 0xffff) this.at++;
    return { source: literal(code, ignoreCase, false), unbounded: false };
  }

  private group(ignoreCase: boolean, depth: number): Piece {
    const kinds: [string, string | null, boolean][] = [
      ["(?:", "(?:", ignoreCase],
      ["(?i:", "(?:", true],
      ["(?=", "(?=", ignoreCase],
      ["(?!", "(?!", ignoreCase],
      ["(?<=", "(?<=", ignoreCase],
      ["(?<!", "(?<!", ignoreCase],
      ["(?>", null, ignoreCase],
    ];
    const kind =
      kinds.find(([opening]) => this.pattern.startsWith(opening, this.at)) ??
      (this.pattern[this.at + 1] === "?" ? null : (["(", "(?:", ignoreCase] as [string, string, boolean]));
    if (!kind) throw this.refusal(say`has a group of an unknown kind at ${this.at}`);
    this.at += kind[0].length;
    const body = this.alternatives(kind[2], depth + 1);
    if (this.pattern[this.at] !== ")") throw this.refusal(say`leaves a group open`);
    this.at++;
    return {
      source: kind[1] === null ? this.atomic(body.source) : `${kind[1]}${body.source})`,
      unbounded: body.unbounded,
      reach: body.reach,
    };
  }

  private characterClass(ignoreCase: boolean): string {
    this.at++;
    let source = "[";
    if (this.pattern[this.at] === "^") {
      source += "^";
      this.at++;
    }
    let first = true;
    for (;;) {
      const char = this.pattern[this.at];
      if (char === undefined) throw this.refusal(say`leaves a character class open`);
      if (char === "]" && !first) {
        this.at++;
        return `${source}]`;
      }
      if (char === "[" || this.pattern.startsWith("&&", this.at))
        throw this.refusal(say`combines character classes, which is not supported`);
      first = false;
      source += this.classItem(ignoreCase);
    }
  }

  private classItem(ignoreCase: boolean): string {
    const from = this.classAtom();
    if (typeof from === "string") return from;
    if (this.pattern[this.at] !== "-" || this.pattern[this.at + 1] === "]" || this.at + 1 >= this.pattern.length)
      return literal(from, ignoreCase, true);
    this.at++;
    const to = this.classAtom();
    if (typeof to === "string" || to < from) throw this.refusal(say`has a range without an end`);
    let source = `${codeEscape(from)}-${codeEscape(to)}`;
    if (ignoreCase) {
      const shift = (low: number, high: number, by: number) => {
        const start = Math.max(from, low);
        const end = Math.min(to, high);
        if (start <= end) source += `${codeEscape(start + by)}-${codeEscape(end + by)}`;
      };
      shift(0x41, 0x5a, 32);
      shift(0x61, 0x7a, -32);
    }
    return source;
  }

  // A code point, or the source of a class escape such as \s.
  private classAtom(): number | string {
    if (this.pattern[this.at] === "\\") {
      const code = this.escapedCode();
      return code ?? this.escape(false, true);
    }
    const code = this.pattern.codePointAt(this.at) as number;
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  // The code point of an escape that stands for one character, else null without moving.
  private escapedCode(): number | null {
    const rest = this.pattern.slice(this.at, this.at + 14);
    const hex = /^\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\})/.exec(rest);
    if (hex) {
      this.at += hex[0].length;
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "0", 16);
      if (code > 0x10ffff) throw this.refusal(say`names a character beyond Unicode`);
      return code;
    }
    const char = rest[1];
    if (char === undefined) throw this.refusal(say`ends in a backslash`);
    const simple: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, e: 27 };
    const code = simple[char] ?? (/[0-9A-Za-z]/.test(char) ? null : (this.pattern.codePointAt(this.at + 1) as number));
    if (code !== null) this.at += code > 0xffff ? 3 : 2;
    return code;
  }

  private escape(ignoreCase: boolean, inClass: boolean): string {
    const code = this.escapedCode();
    if (code !== null) return literal(code, ignoreCase, inClass);
    const char = this.pattern[this.at + 1] as string;
    const property = /^\\([pP])\{(\^?)([A-Za-z_]+)\}/.exec(this.pattern.slice(this.at, this.at + 64));
    if (property) {
      this.at += property[0].length;
      const negated = (property[1] === "P") !== (property[2] === "^");
      const name = property[3] as string;
      return `\\${negated ? "P" : "p"}{${generalCategories.has(name) ? name : `Script=${name}`}}`;
    }
    const classes: Record<string, string> = {
      s: "\\p{White_Space}",
      S: "\\P{White_Space}",
      d: "\\p{Nd}",
      D: "\\P{Nd}",
    };
    if (char === "w") classes.w = inClass ? onigurumaWord : `[${onigurumaWord}]`;
    if (char === "W" && !inClass) classes.W = `[^${onigurumaWord}]`;
    const source = classes[char];
    if (source === undefined) throw this.refusal(say`uses \\${char}, which is not supported`);
    this.at += 2;
    return source;
  }
}

const generalCategories = new Set(
  "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cs Co Cn".split(" "),
);

function codeEscape(code: number): string {
  const char = String.fromCodePoint(code);
  return /[A-Za-z0-9 ]/.test(char) ? char : `\\u{${code.toString(16)}}`;
}

function literal(code: number, ignoreCase: boolean, inClass: boolean): string {
  if (!ignoreCase) return codeEscape(code);
  const char = String.fromCodePoint(code);
  const forms = new Set([char, char.toLowerCase(), char.toUpperCase()].filter((form) => [...form].length === 1));
  // Two letters of ASCII have a third form under Unicode's case folding.
  if (forms.has("s")) forms.add("ſ");
  if (forms.has("k")) forms.add("\u212a");
  const source = [...forms].map((form) => codeEscape(form.codePointAt(0) as number)).join("");
  return forms.size === 1 || inClass ? source : `[${source}]`;
}

// Compiles with the flags `gu`. Throws TextError for what cannot be translated exactly.
export function compileOniguruma(pattern: string, field = "tokenizer.json pre_tokenizer"): RegExp {
  const source = new Translator(pattern, field).translate();
  try {
    return new RegExp(source, "gu");
  } catch (cause) {
    throw new TextError(
      field,
      say`the pattern ${JSON.stringify(pattern.slice(0, 80))} is not valid`,
      say`Repair the pattern in tokenizer.json.`,
      { cause },
    );
  }
}

export function escapeForOniguruma(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
