// JSON as Go's encoding/json reads and writes it: its error texts, its escapes, its order of keys.
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export class GoJsonError extends Error {
  // The body was empty, which the server treats apart.
  readonly empty: boolean;
  constructor(message: string, empty = false) {
    super(message);
    this.empty = empty;
  }
}

const maxDepth = 1000;
const blank = /[ \t\r\n]/;

function quoteChar(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  const code = char.charCodeAt(0);
  return code < 32 ? `'\\x${code.toString(16).padStart(2, "0")}'` : `'${char}'`;
}

// Decodes the first JSON value of a text; what follows it is not looked at, as with a Go Decoder.
export function parseGoJson(text: string): Json {
  let at = 0;
  const eof = () => new GoJsonError("unexpected EOF");
  const bad = (where: string) => {
    const char = text[at];
    return char === undefined ? eof() : new GoJsonError(`invalid character ${quoteChar(char)} ${where}`);
  };
  const skip = () => {
    while (at < text.length && blank.test(text[at] ?? "")) at += 1;
  };
  const string = (): string => {
    const from = at;
    at += 1;
    for (;;) {
      const char = text[at];
      if (char === undefined) throw eof();
      if (char === '"') break;
      if (char === "\\") {
        at += 1;
        const code = text[at];
        if (code === undefined) throw eof();
        if (code === "u") {
          for (let i = 0; i < 4; i += 1) {
            at += 1;
            if (!/[0-9a-fA-F]/.test(text[at] ?? "")) throw bad("in \\u hexadecimal character escape");
          }
        } else if (!'"\\/bfnrt'.includes(code)) throw bad("in string escape code");
      } else if (char.charCodeAt(0) < 32) throw bad("in string literal");
      at += 1;
    }
    at += 1;
    return JSON.parse(text.slice(from, at));
  };
  const literal = (word: string, value: Json): Json => {
    for (let i = 0; i < word.length; i += 1) {
      if (text[at] !== word[i]) throw bad(`in literal ${word} (expecting ${quoteChar(word[i] ?? "")})`);
      at += 1;
    }
    return value;
  };
  const number = (): number => {
    const found = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text.slice(at, at + 400));
    if (!found) {
      at += 1;
      throw bad("in numeric literal");
    }
    at += found[0].length;
    return Number(found[0]);
  };
  const value = (depth: number): Json => {
    if (depth > maxDepth) throw new GoJsonError("exceeded max depth");
    skip();
    const char = text[at];
    if (char === undefined) throw eof();
    if (char === '"') return string();
    if (char === "t") return literal("true", true);
    if (char === "f") return literal("false", false);
    if (char === "n") return literal("null", null);
    if (char === "-" || /\d/.test(char)) return number();
    if (char === "[") {
      const list: Json[] = [];
      at += 1;
      skip();
      if (text[at] === "]") {
        at += 1;
        return list;
      }
      for (;;) {
        list.push(value(depth + 1));
        skip();
        if (text[at] === ",") at += 1;
        else if (text[at] === "]") {
          at += 1;
          return list;
        } else throw bad("after array element");
      }
    }
    if (char === "{") {
      const object: { [key: string]: Json } = Object.create(null);
      at += 1;
      skip();
      if (text[at] === "}") {
        at += 1;
        return object;
      }
      for (;;) {
        skip();
        if (text[at] !== '"') throw bad("looking for beginning of object key string");
        const key = string();
        skip();
        if (text[at] !== ":") throw bad("after object key");
        at += 1;
        object[key] = value(depth + 1);
        skip();
        if (text[at] === ",") at += 1;
        else if (text[at] === "}") {
          at += 1;
          return object;
        } else throw bad("after object key:value pair");
      }
    }
    throw bad("looking for beginning of value");
  };
  skip();
  if (at >= text.length) throw new GoJsonError("EOF", true);
  return value(0);
}

// A number that stood as a float32 in its file is written with as few digits as bring it back.
export class Float32 {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

function shortestFloat32(value: number): string {
  for (let digits = 1; digits <= 9; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return goNumber(Number(text));
  }
  return goNumber(value);
}

// Go writes an exponent below 1e-6 and from 1e21 on, with at least two digits (and one digit less than C).
function goNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e21)) {
    const [mantissa = "", exponent = ""] = value.toExponential().split("e");
    const sign = exponent.startsWith("-") ? "-" : "+";
    return `${mantissa}e${sign}${exponent.slice(1).padStart(2, "0")}`;
  }
  return String(value);
}

const escapes: Record<string, string> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};
const goString = (text: string): string =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => escapes[char] ?? char);

export type GoValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Float32
  | readonly GoValue[]
  | { readonly [key: string]: GoValue };

// Writes a value as json.Marshal does. `undefined` fields are left out (omitempty is up to the caller).
export function goJson(value: GoValue): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return goString(value);
  if (typeof value === "number") return goNumber(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Float32) return shortestFloat32(value.value);
  if (Array.isArray(value)) return `[${value.map(goJson).join(",")}]`;
  const fields = Object.entries(value as { [key: string]: GoValue }).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${goString(key)}:${goJson(field)}`).join(",")}}`;
}

// The same for a Go map: keys in order of their bytes, at every depth.
export function sortedKeys(value: GoValue): GoValue {
  if (value === null || typeof value !== "object" || value instanceof Float32) return value;
  if (Array.isArray(value)) return value.map(sortedKeys);
  const entries = Object.entries(value as { [key: string]: GoValue });
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Object.fromEntries(entries.map(([key, field]) => [key, sortedKeys(field)]));
}
