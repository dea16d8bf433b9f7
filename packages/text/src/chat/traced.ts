// A string that remembers which of its characters came from where: the template itself, or a person's data. Rendering
// a chat with these tells exactly which part of the text must never be read as control tokens, whatever the template
// does to it (trim, split, slice, join).
export interface Run {
  start: number;
  end: number;
  source: number; // index of the message; -1 for other data (tools, variables)
}

export class Traced {
  readonly text: string;
  readonly runs: readonly Run[]; // in order, apart
  constructor(text: string, runs: readonly Run[] = noRuns) {
    this.text = text;
    this.runs = runs;
  }

  // Data of a person, every character of it.
  static from(text: string, source: number): Traced {
    return new Traced(text, text === "" ? noRuns : [{ start: 0, end: text.length, source }]);
  }

  get length(): number {
    return this.text.length;
  }

  slice(start: number, end: number): Traced {
    if (start <= 0 && end >= this.text.length) return this;
    const text = this.text.slice(start, end);
    if (this.runs.length === 0) return new Traced(text);
    const runs: Run[] = [];
    for (const run of this.runs) {
      const from = Math.max(run.start, start);
      const to = Math.min(run.end, end);
      if (from < to) runs.push({ start: from - start, end: to - start, source: run.source });
    }
    return new Traced(text, runs);
  }

  // Another text made of this one as a whole (case, JSON): all of it counts as data if any of this did.
  derive(text: string): Traced {
    const first = this.runs[0];
    return first ? Traced.from(text, first.source) : new Traced(text);
  }
}

const noRuns: readonly Run[] = [];
export const emptyText = new Traced("");

export function concat(parts: readonly Traced[]): Traced {
  if (parts.length === 1) return parts[0] as Traced;
  const texts: string[] = [];
  const runs: Run[] = [];
  let at = 0;
  for (const part of parts) {
    for (const { start, end, source } of part.runs) {
      const last = runs.at(-1);
      if (last && last.end === at + start && last.source === source) last.end = at + end;
      else runs.push({ start: at + start, end: at + end, source });
    }
    texts.push(part.text);
    at += part.length;
  }
  return new Traced(texts.join(""), runs);
}

export function join(parts: readonly Traced[], separator: Traced): Traced {
  return concat(parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
}

// At most `limit` cuts; from the right where `fromRight`.
export function splitBy(
  text: Traced,
  separator: string,
  limit = Number.POSITIVE_INFINITY,
  fromRight = false,
): Traced[] {
  const cuts: number[] = [];
  if (fromRight) {
    let at = text.length;
    while (cuts.length < limit) {
      const found = at < separator.length ? -1 : text.text.lastIndexOf(separator, at - separator.length);
      if (found < 0) break;
      cuts.unshift(found);
      at = found;
    }
  } else {
    let at = 0;
    while (cuts.length < limit) {
      const found = text.text.indexOf(separator, at);
      if (found < 0) break;
      cuts.push(found);
      at = found + separator.length;
    }
  }
  const parts: Traced[] = [];
  let last = 0;
  for (const cut of cuts) {
    parts.push(text.slice(last, cut));
    last = cut + separator.length;
  }
  parts.push(text.slice(last, text.length));
  return parts;
}

const spaceCodes = new Set([
  9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
]);

// What Python's str.isspace counts, which is not what JavaScript's trim does.
export function isSpace(char: string): boolean {
  const code = char.charCodeAt(0);
  return spaceCodes.has(code) || (code >= 0x2000 && code <= 0x200a);
}

export function strip(text: Traced, left: boolean, right: boolean, characters?: string): Traced {
  const drop = characters === undefined ? isSpace : (char: string) => characters.includes(char);
  let start = 0;
  let end = text.length;
  while (left && start < end && drop(text.text[start] as string)) start++;
  while (right && end > start && drop(text.text[end - 1] as string)) end--;
  return text.slice(start, end);
}
