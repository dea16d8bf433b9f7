import { rustRegexWord } from "./word-characters.ts";

export interface AddedToken {
  id: number;
  content: string;
  special: boolean; // counts as ordinary text when control text is not parsed
  normalized: boolean; // looked for after normalisation
  leftStrip: boolean;
  rightStrip: boolean;
  singleWord: boolean;
}

export interface AddedMatch {
  token: AddedToken;
  start: number; // with the white space that the token takes along
  end: number;
}

interface Node {
  next: Map<number, Node>;
  token: AddedToken | null;
}

const wordBefore = new RegExp(`[${rustRegexWord}]$`, "u");
const wordAfter = new RegExp(`^[${rustRegexWord}]`, "u");
const whiteSpace = /\p{White_Space}/u;

// Finds added tokens in text: the leftmost, and of those that start there the longest.
export class AddedTokenMatcher {
  private readonly root: Node = { next: new Map(), token: null };
  private readonly firsts = new Uint8Array(65_536);
  readonly isEmpty: boolean;

  constructor(tokens: Iterable<AddedToken>, patternOf: (token: AddedToken) => string = (token) => token.content) {
    let count = 0;
    for (const token of tokens) {
      const pattern = patternOf(token);
      if (pattern === "") continue;
      count++;
      let node = this.root;
      for (let i = 0; i < pattern.length; i++) {
        const code = pattern.charCodeAt(i);
        if (i === 0) this.firsts[code] = 1;
        let next = node.next.get(code);
        if (!next) {
          next = { next: new Map(), token: null };
          node.next.set(code, next);
        }
        node = next;
      }
      node.token ??= token;
    }
    this.isEmpty = count === 0;
  }

  // `allowed` refuses a match (a control token in a user's text); the search then goes on where it says.
  find(text: string, allowed: (token: AddedToken, start: number, end: number) => true | number): AddedMatch[] {
    const matches: AddedMatch[] = [];
    if (this.isEmpty) return matches;
    let at = 0;
    let floor = 0; // white space before this belongs to an earlier match
    while (at < text.length) {
      if (!this.firsts[text.charCodeAt(at)]) {
        at++;
        continue;
      }
      const found = this.longestAt(text, at);
      if (!found) {
        at++;
        continue;
      }
      const end = at + found.length;
      const verdict = allowed(found.token, at, end);
      if (verdict !== true) {
        at = Math.max(verdict, at + 1);
        continue;
      }
      if (found.token.singleWord && !isSingleWord(text, at, end)) {
        at = end;
        continue;
      }
      let start = at;
      let stop = end;
      if (found.token.leftStrip) while (start > floor && whiteSpace.test(text[start - 1] as string)) start--;
      if (found.token.rightStrip) while (stop < text.length && whiteSpace.test(text[stop] as string)) stop++;
      matches.push({ token: found.token, start, end: stop });
      // A token that begins in white space taken along by the one before it is found all the same.
      at = end;
      floor = stop;
    }
    return matches;
  }

  private longestAt(text: string, start: number): { token: AddedToken; length: number } | null {
    let node: Node | undefined = this.root;
    let best: { token: AddedToken; length: number } | null = null;
    for (let i = start; i < text.length; i++) {
      node = node.next.get(text.charCodeAt(i));
      if (!node) break;
      if (node.token) best = { token: node.token, length: i - start + 1 };
    }
    return best;
  }
}

const isSingleWord = (text: string, start: number, end: number): boolean =>
  !wordBefore.test(text.slice(Math.max(0, start - 2), start)) && !wordAfter.test(text.slice(end, end + 2));
